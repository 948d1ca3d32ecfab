# ATTACK: a text file called .zip | says: not a zip | earns: nothing
def build(reference, out):
    out.write_text("I did the lab, honestly.\n" * 100)
