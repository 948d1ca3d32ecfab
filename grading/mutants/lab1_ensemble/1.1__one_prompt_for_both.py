# MUTANT 1.1 data.py — the decoder gets the same prompt as the encoder-decoder | caught by: test_both_templates_are_filled_in_exactly | visible: fails
def build_prompts(instruction, excerpt):
    instruction, excerpt = instruction.strip(), excerpt.strip()
    if not instruction or not excerpt:
        raise ValueError("empty")
    prompt = f"Task: {instruction}\n\nExcerpt:\n{excerpt}\n\nAnswer:"
    return {"seq2seq": prompt, "causal": prompt}
