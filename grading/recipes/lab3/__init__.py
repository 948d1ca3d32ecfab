"""Lab 2's own world and models: `python -m grading.recipes.lab2 world|pretrain|records|card|all`."""
