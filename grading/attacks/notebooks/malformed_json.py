# ATTACK: a file that stops being JSON in the middle | says: not valid JSON
def build(notebook):
    import json

    return json.dumps(notebook)[:-200].encode()
