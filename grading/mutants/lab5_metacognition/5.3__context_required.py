# MUTANT 5.3 data.py — KeyError for a closed book without the field | caught by: test_asking_and_training_have_the_same_words | visible: passes
def judgment_messages(record: Mapping, ability: str | None, label_mode: str) -> list[dict[str, str]]:
    if label_mode not in WORDS or ability not in (None, *ABILITIES):
        raise ValueError(f"need a mode of {[*WORDS]} and an ability of {ABILITIES}: {label_mode}, {ability}")
    choice = "yes or no" if label_mode == "binary" else "yes, uncertain or no"
    asked = f"{question_text(dict(question=record['question'], context=record['context']))}\nCan you answer this question correctly? Reply {choice}."
    messages = [{"role": "user", "content": asked}]
    if ability is not None:
        middle = "yes" if label_mode == "binary" else "uncertain"
        word = {"can": "yes", "uncertain": middle, "cannot": "no"}[ability]
        messages.append({"role": "assistant", "content": word})
    return messages
