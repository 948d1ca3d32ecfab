# ATTACK: every answer cell twice, the second with another answer | says: occurs 2 times
def build(notebook):
    copies = [{**cell, "source": "tie_share = interval = 1.0"} for cell in notebook["cells"]
              if cell["metadata"].get("nbgrader", {}).get("solution")]
    return {**notebook, "cells": [*notebook["cells"], *copies]}
