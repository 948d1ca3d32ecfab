# ATTACK: names that lead out of the folder into which the zip is unpacked | says: outside | earns: the rest
def build(reference, out):
    import tempfile
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for name in ("../escaped.py", "starter/lab4_best_of_n/../../../escaped.py", f"{tempfile.gettempdir()}/escaped.py",
                     "C:\\escaped.py", "starter\\lab4_best_of_n\\..\\..\\..\\escaped.py"):
            archive.writestr(name, "escaped = True\n")
