"""Recipes that make what the course ships: data sets and nano models, one command each."""
