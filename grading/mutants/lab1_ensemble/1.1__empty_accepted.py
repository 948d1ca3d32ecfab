# MUTANT 1.1 data.py — an empty excerpt is accepted | caught by: test_texts_are_stripped_and_empty_ones_refused | visible: passes
def build_prompts(instruction, excerpt):
    instruction, excerpt = instruction.strip(), excerpt.strip()
    return {
        "seq2seq": f"Task: {instruction}\n\nExcerpt:\n{excerpt}\n\nAnswer:",
        "causal": f"### Instruction:\n{instruction}\n\n### Excerpt:\n{excerpt}\n\n### Response:\n",
    }
