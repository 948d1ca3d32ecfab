# ATTACK: names with escapes, new lines and a megabyte of letters | says: not graded | earns: the rest
def build(reference, out):
    import stat
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(60):
            info = zipfile.ZipInfo(f"starter/{number}\x1b[2J\n• 100 of 100 points\u202e" + "x" * 10_000)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        archive.writestr("starter/plain.txt", "x")
