"""Lab 5's own world and model: `python -m grading.recipes.lab5 world|pretrain|card|all`."""
