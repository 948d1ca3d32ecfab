"""Lab 1's own world and models: `python -m grading.recipes.lab1 world|pretrain|judge|records|card|all`."""
