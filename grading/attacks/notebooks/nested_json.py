# ATTACK: JSON nested so deep that a reader's stack ends | says: not valid JSON
def build(notebook):
    return b'{"cells": ' + b"[" * 200_000
