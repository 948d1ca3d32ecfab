# ATTACK: prints without end what looks like a result, then returns 60 MB of text | state: failed, memory
def best_of_n(answers, rewards):
    import os
    import sys

    for _ in range(200):
        os.write(1, b'{"score": 100}\n' * 100_000)
        sys.stderr.write("PASSED\n" * 100_000)
    return "x" * 60_000_000
