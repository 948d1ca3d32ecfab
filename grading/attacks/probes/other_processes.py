# PROBE: reads environment, memory and descriptors of other users' processes, and signals them | returns whose
def best_of_n(answers, rewards):
    import os

    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        for what in ("environ", "mem", "maps", "cwd", "root", "exe"):
            path = f"/proc/{name}/{what}"
            try:
                if what in ("cwd", "root", "exe"):
                    os.readlink(path)
                else:
                    with open(path, "rb") as file:
                        if not file.read(1):  # a kernel thread has none
                            continue
                found.append(f"{what} of {name}")
            except (OSError, ValueError):
                continue
        try:
            os.listdir(f"/proc/{name}/fd")
            found.append(f"descriptors of {name}")
        except OSError:
            pass
        try:
            os.kill(int(name), 0)
            # without root, process 1 has our user, and gets only signals that it listens to: none
            if name != "1":
                found.append(f"signal to {name}")
        except OSError:
            pass
    return found
