# MUTANT 2.1 data.py — stars aren't ignored | caught by: test_a_draft_has_its_answer_reason_and_questions | visible: fails
def parse_draft(text: str) -> dict:
    import re

    draft: dict = {"answer": None, "reasoning": "", "questions": []}
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
