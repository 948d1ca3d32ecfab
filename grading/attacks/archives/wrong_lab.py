# ATTACK: another lab's zip, uploaded here | says: not of lab4_best_of_n | earns: nothing
def build(reference, out):
    import zipfile

    with zipfile.ZipFile(out, "w") as archive:
        for name in ("data", "method", "evaluate"):
            archive.writestr(f"starter/lab3_dpo/{name}.py", "def dpo_loss():\n    return 0\n")
        archive.writestr("notebooks/lab3_dpo.ipynb", "{}")
