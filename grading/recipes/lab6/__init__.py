"""Recipes of what Lab 6 ships: word problems, hazard prompts, nano-chat, nano-safeguard."""
