# MUTANT 6.10 evaluate.py — a comma before three digits is dropped wherever it stands | caught by: test_signs_commas_and_decimals_belong_to_the_number | visible: fails
def parse_final_answer(text: str) -> str | None:
    import re

    if "####" not in text:
        return None
    line = text.rpartition("####")[2].split("\n")[0].replace("$", "").replace("\N{MINUS SIGN}", "-")
    line = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", line)
    found = re.search(r"(-?)\s*([0-9]*)(?:\.([0-9]+))?(?<=[0-9])", line)
    if found is None:
        return None
    whole, part = found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if found[1] and number != "0" else number
