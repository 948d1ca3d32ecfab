"""The tests that give points: inputs seeded per submission, oracles of their own, words for each mistake."""
