# MUTANT 5.3 data.py — another mode is accepted | caught by: test_other_modes_and_abilities_are_refused | visible: passes
def judgment_messages(record: Mapping, ability: str | None, label_mode: str) -> list[dict[str, str]]:
    if ability not in (None, *ABILITIES):
        raise ValueError(f"need a mode of {[*WORDS]} and an ability of {ABILITIES}: {label_mode}, {ability}")
    choice = "yes or no" if label_mode == "binary" else "yes, uncertain or no"
    asked = f"{question_text(record)}\nCan you answer this question correctly? Reply {choice}."
    messages = [{"role": "user", "content": asked}]
    if ability is not None:
        middle = "yes" if label_mode == "binary" else "uncertain"
        word = {"can": "yes", "uncertain": middle, "cannot": "no"}[ability]
        messages.append({"role": "assistant", "content": word})
    return messages
