# ATTACK: names with control characters, non-ASCII letters, a newline and a very long one | says: not graded | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for name in ("mé\u202ethod", "a\nb", "\x1b[2J", "x" * 5000, "method.py/..", " "):
            archive.writestr(f"starter/lab4_best_of_n/{name}.py", "import os\nos._exit(0)\n")
