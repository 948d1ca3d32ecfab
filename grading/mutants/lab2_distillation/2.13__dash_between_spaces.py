# MUTANT 2.13 evaluate.py — behind the dash a space has to stand | caught by: test_the_last_answer_line_is_read_or_else_the_first_line | visible: passes
def parse_prediction(text):
    import re

    ls = [x.strip() for x in text.replace("*", "").splitlines() if x.strip()]
    nm = [x[7:] for x in ls if x.lower().startswith("answer:")]
    rd = nm[-1] if nm else ls[0] if ls else ""
    s = re.match(r"\s*(yes|no)(?=\s*$|\s*[,.;:!]|\s+[-–—]\s)", rd, re.I)
    return s[1].lower() == "yes" if s else None
