# ATTACK: a file of zero bytes | says: empty | earns: nothing
def build(reference, out):
    out.write_bytes(b"")
