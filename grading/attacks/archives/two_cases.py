# ATTACK: Method.py beside method.py | says: capital | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("starter/lab4_best_of_n/METHOD.py", "import os\nos._exit(0)\n")
