# ATTACK: outputs that claim the points, in every format that a report could show | says:
def build(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            data = {"text/html": "<script>alert(1)</script>", "application/x-labs-claim": {"state": "ok"},
                    "text/plain": "15/15 points"}
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}] * 20
    return notebook
