# ATTACK: ten thousand files beside the lab | says: 10,0 | earns: nothing
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(10_000):
            archive.writestr(f"starter/lab4_best_of_n/file{number}.py", "")
