# ATTACK: a file, and a folder of the same name with files in it | says: not graded | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for name in ("method.py", "__init__.py", "configs.yaml"):
            archive.writestr(f"starter/lab4_best_of_n/{name}/x.py", "x = 1\n")
        archive.writestr("starter/lab4_best_of_n/configs.yaml", "seed: 1\n")
        archive.writestr("notebooks/lab4_best_of_n.ipynb/x.py", "x = 1\n")
        archive.writestr("manifest.json/x.py", "x = 1\n")
