# MUTANT 6.10 evaluate.py — minus zero stays '-0' | caught by: test_a_number_has_one_spelling | visible: passes
def parse_final_answer(text: str) -> str | None:
    import re

    if "####" not in text:
        return None
    line = text.rpartition("####")[2].split("\n")[0].replace("$", "").replace("\N{MINUS SIGN}", "-")
    groups = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]*"
    found = re.search(rf"(-?) *({groups})(?:\.([0-9]+))?(?<=[0-9])", line)
    if found is None:
        return None
    whole, part = found[2].replace(",", "").lstrip("0") or "0", (found[3] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if found[1] else number
