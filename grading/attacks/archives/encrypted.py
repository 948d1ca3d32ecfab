# ATTACK: a zip with a password | says: encrypted | earns: nothing
def build(reference, out):
    from grading.tests.submissions import pack

    pack(reference, out)
    content = bytearray(out.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(signature)
        while start >= 0:
            content[start + offset] |= 1
            start = content.find(signature, start + 4)
    out.write_bytes(content)
