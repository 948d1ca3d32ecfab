# ATTACK: a hundred points for each cell, tests unlocked and rewritten, written answers marked as done | says: was changed
def build(notebook):
    for cell in notebook["cells"]:
        graded = cell["metadata"].get("nbgrader")
        if graded is not None:
            graded |= {"points": 100, "locked": False, "grade": True, "schema_version": 99}
            if not graded.get("solution"):
                cell["source"] = "pass"
    return notebook
