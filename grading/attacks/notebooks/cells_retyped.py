# ATTACK: graded code cells turned into markdown and raw cells | says: type of cell
def build(notebook):
    for number, cell in enumerate(notebook["cells"]):
        if "nbgrader" in cell["metadata"]:
            cell["cell_type"] = ("raw", "markdown", "heading")[number % 3]
    return notebook
