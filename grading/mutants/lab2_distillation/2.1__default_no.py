# MUTANT 2.1 data.py — what can't be read is a No | caught by: test_a_draft_that_does_not_answer_has_none, test_the_first_answer_line_decides | visible: fails
def parse_draft(text: str) -> dict:
    import re

    text = text.replace("*", "")
    draft: dict = {"answer": False, "reasoning": "", "questions": []}
    line = re.search(r"^[^\S\n]*answer:(.*)$", text, re.IGNORECASE | re.MULTILINE)
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
