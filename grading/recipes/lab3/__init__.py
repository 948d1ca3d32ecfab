"""What Lab 3 ships: `python -m grading.recipes.lab3 checkpoints|pairs|records|card|all`."""
