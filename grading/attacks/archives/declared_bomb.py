# ATTACK: a notebook of eighty megabytes | says: at most | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notebooks/lab4_best_of_n.ipynb", bytes(80 * 2**20))
