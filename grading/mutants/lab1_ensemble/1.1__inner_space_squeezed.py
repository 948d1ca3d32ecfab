# MUTANT 1.1 data.py — white space inside the excerpt is changed too | caught by: test_texts_are_stripped_and_empty_ones_refused, test_both_templates_are_filled_in_exactly | visible: fails
def build_prompts(instruction, excerpt):
    instruction, excerpt = " ".join(instruction.split()), " ".join(excerpt.split())
    if not instruction or not excerpt:
        raise ValueError("empty")
    return {
        "seq2seq": f"Task: {instruction}\n\nExcerpt:\n{excerpt}\n\nAnswer:",
        "causal": f"### Instruction:\n{instruction}\n\n### Excerpt:\n{excerpt}\n\n### Response:\n",
    }
