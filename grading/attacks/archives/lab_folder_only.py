# ATTACK: no attack, the student zipped only the lab's own folder | says: | earns: all
def build(reference, out):
    import zipfile

    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted((reference / "starter/lab4_best_of_n").glob("*.py")):
            archive.write(path, f"lab4_best_of_n/{path.name}")
