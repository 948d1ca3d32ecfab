# ATTACK: an upload that broke off in the middle | says: cut off | earns: nothing
def build(reference, out):
    from grading.tests.submissions import pack

    pack(reference, out)
    out.write_bytes(out.read_bytes()[:-400])
