# ATTACK: links instead of modules, to the hidden tests and to a folder outside | says: link | earns: the rest
def build(reference, out):
    import stat
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out, "a") as archive:
        for name, target in {"starter/lab4_best_of_n/oracle.py": "../../../grading/hidden/lab4_oracles.py",
                             "starter/lab4_best_of_n/configs": "/etc"}.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
