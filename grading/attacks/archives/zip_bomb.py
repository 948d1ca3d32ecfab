# ATTACK: a module that unpacks to 64 megabytes and says that it has a third of one | says: damaged | earns: the rest
def build(reference, out):
    import struct
    import zipfile

    from grading.tests.submissions import pack

    pack(reference, out)
    name = "starter/lab4_best_of_n/zz_bomb.py"
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, "w") as file:
            for _ in range(64):
                file.write(bytes(2**20))
        crc = archive.getinfo(name).CRC
    content = out.read_bytes().replace(struct.pack("<L", 64 * 2**20), struct.pack("<L", 300_000))
    out.write_bytes(content)
    assert crc
