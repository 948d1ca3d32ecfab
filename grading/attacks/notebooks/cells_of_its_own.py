# ATTACK: new cells that patch the kernel before and after the graded ones, also under the names of staff cells | says:
def build(notebook):
    patch = "import builtins, IPython\nbuiltins.isinstance = lambda *_: True\nget_ipython().run_cell = None\n"
    own = [{"cell_type": "code", "id": name, "metadata": {"tags": tags}, "outputs": [], "execution_count": 1,
            "source": patch} for name, tags in (("first", ["setup"]), ("second", ["inject"]), ("third", []))]
    return {**notebook, "cells": [own[0], own[1], *notebook["cells"], own[2]]}
