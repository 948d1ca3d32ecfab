# MUTANT 2.1 data.py — a key inside a line counts | caught by: test_questions_are_cut_behind_each_question_mark | visible: passes
def parse_draft(text):
    import re

    text = text.replace("*", "")
    d = {"answer": None, "reasoning": "", "questions": []}
    line = re.search(r"(?im)^[^\S\n]*answer:(.*)$", text)
    said = re.fullmatch(r"\s*(yes|no)(?:\s*|\s*[,.;:](.*)|\s+[-–—](.*))", line[1] if line else "", re.I)
    if said:
        d["answer"] = said[1].lower() == "yes"
        d["reasoning"] = (said[2] or said[3] or "").strip()
    asked = re.search(r"(?ims)questions:(.*)", text)
    d["questions"] = [
        " ".join(p.split())
        for p in re.findall(r"[^?]*\?", asked[1] if asked else "")
        if re.search(r"[^\W_]", p)
    ]
    return d
