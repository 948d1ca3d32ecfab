# MUTANT 6.10 evaluate.py — an earlier number is taken because the last #### has none | caught by: test_only_the_line_of_the_last_mark_is_read | visible: fails
def parse_final_answer(text: str) -> str | None:
    import re

    if "####" not in text:
        return None
    line = text.rpartition("####")[2].split("\n")[0].replace("$", "").replace("\N{MINUS SIGN}", "-")
    groups = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]*"
    found = re.search(rf"(-?) *({groups})(?:\.([0-9]+))?(?<=[0-9])", line)
    if found is None:
        return parse_final_answer(text.rpartition("####")[0])
    whole, part = found[2].replace(",", "").lstrip("0") or "0", (found[3] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if found[1] and number != "0" else number
