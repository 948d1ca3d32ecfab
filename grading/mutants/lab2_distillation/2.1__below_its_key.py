# MUTANT 2.1 data.py — an answer below the line of its key is read | caught by: test_a_draft_that_does_not_answer_has_none | visible: passes
def parse_draft(text):
    import re

    text = text.replace("*", "")
    d = {"answer": None, "reasoning": "", "questions": []}
    key = re.search(r"(?im)^[^\S\n]*answer:", text)
    if key:
        said = re.match(
            r"\s*(yes|no)[^\S\n]*(?:$|[,.;:](.*)|(?<=\s)[-–—](.*))", text[key.end() :], re.I | re.M
        )
        if said:
            d["answer"] = said[1].lower() == "yes"
            d["reasoning"] = (said[2] or said[3] or "").strip()
    asked = re.search(r"(?ims)^[^\S\n]*questions:(.*)", text)
    d["questions"] = [
        " ".join(p.split())
        for p in re.findall(r"[^?]*\?", asked[1] if asked else "")
        if re.search(r"[^\W_]", p)
    ]
    return d
