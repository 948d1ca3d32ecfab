# ATTACK: no attack, the student zipped the folder above the course's | says: | earns: all
def build(reference, out):
    from grading.tests.submissions import pack

    pack(reference, out, "Desktop/post-training-labs")
