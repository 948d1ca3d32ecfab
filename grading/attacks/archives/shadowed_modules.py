# ATTACK: modules named like those that the grader imports | says: not graded | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for name in ("torch", "json", "codec", "random", "fractions", "datasets", "_pytest", "grading", "labkit"):
            for folder in ("", "starter/", "starter/lab4_best_of_n/"):
                archive.writestr(f"{folder}{name}.py", "import os\nos._exit(0)\n")
        for name in ("labkit", "grading", "grading/hidden", "transformers"):
            archive.writestr(f"{name}/__init__.py", "import os\nos._exit(0)\n")
        archive.writestr("labkit/testing.py", "import os\nos._exit(0)\n")
        archive.writestr("grading/hidden/test_lab4_best_of_n.py", "def test_nothing(): pass\n")
        archive.writestr("results.json", '{"score": 100}')
