# ATTACK: an end record hidden in the zip's comment, so that two readers see two archives | says: | earns: nothing
def build(reference, out):
    import struct

    from grading.tests.submissions import pack

    pack(reference, out)
    content = out.read_bytes()
    false_end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3, 3, 2_000_000_000, 0, 0)
    out.write_bytes(content[:-2] + struct.pack("<H", len(false_end)) + false_end)
