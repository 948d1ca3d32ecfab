# ATTACK: announces an answer of four gigabytes and sends other bytes | state: crashed
def best_of_n(answers, rewards):
    import os

    os.write(3, b"PTL1" + b"\xff" * 8 + b"{" * 1000)
    return "garbled"
