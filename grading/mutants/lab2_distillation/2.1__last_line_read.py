# MUTANT 2.1 data.py — the last answer line decides | caught by: test_the_first_answer_line_decides | visible: passes
def parse_draft(text: str) -> dict:
    import re

    text = text.replace("*", "")
    draft: dict = {"answer": None, "reasoning": "", "questions": []}
    line = ([*re.finditer(r"^[^\S\n]*answer:(.*)$", text, re.IGNORECASE | re.MULTILINE)] or [None])[-1]
    said = re.fullmatch(
        r"\s*(yes|no)(?:\s*|\s*[,.;:](.*)|\s+[-–—](.*))", line[1] if line else "", re.IGNORECASE
    )
    if said:
        draft["answer"] = said[1].lower() == "yes"
        draft["reasoning"] = (said[2] or said[3] or "").strip()
    asked = re.search(r"^[^\S\n]*questions:(.*)", text, re.IGNORECASE | re.MULTILINE | re.DOTALL)
    pieces = re.findall(r"[^?]*\?", asked[1]) if asked else []
    draft["questions"] = [" ".join(piece.split()) for piece in pieces if re.search(r"[^\W_]", piece)]
    return draft
