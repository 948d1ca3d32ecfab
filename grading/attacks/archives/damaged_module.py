# ATTACK: one module's bytes are damaged in the zip | says: damaged | earns: the rest
def build(reference, out):
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    with zipfile.ZipFile(out) as archive:
        start = archive.getinfo("starter/lab4_best_of_n/data.py").header_offset
    content = bytearray(out.read_bytes())
    content[start + 100 : start + 400] = bytes(300)
    out.write_bytes(content)
