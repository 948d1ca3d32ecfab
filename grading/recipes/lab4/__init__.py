"""Lab 4's own world and models: `python -m grading.recipes.lab4 world|pretrain|reward|card|all`."""
