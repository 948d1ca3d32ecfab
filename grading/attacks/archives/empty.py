# ATTACK: a zip without any file | says: empty | earns: nothing
def build(reference, out):
    import zipfile

    zipfile.ZipFile(out, "w").close()
