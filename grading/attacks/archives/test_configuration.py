# ATTACK: conftest.py, pytest.ini, sitecustomize.py, a .pth file and setup.cfg at every level | says: not graded | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    hook = "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n" \
           "    result = yield\n    result.get_result().outcome = 'passed'\n"
    with zipfile.ZipFile(out, "a") as archive:
        for folder in ("", "starter/", "tests/", "grading/hidden/"):
            archive.writestr(f"{folder}conftest.py", hook)
            archive.writestr(f"{folder}pytest.ini", "[pytest]\naddopts = --collect-only -p no:python\n")
            archive.writestr(f"{folder}sitecustomize.py", "import os\nos._exit(0)\n")
            archive.writestr(f"{folder}usercustomize.py", "import os\nos._exit(0)\n")
            archive.writestr(f"{folder}labs.pth", "import os; os._exit(0)\n")
        archive.writestr("starter/lab4_best_of_n/conftest.py", hook)
        archive.writestr("starter/lab4_best_of_n/sitecustomize.py", "import os\nos._exit(0)\n")
