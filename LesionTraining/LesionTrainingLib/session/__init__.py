"""What a user can do in training: choose a cohort, start, follow, pause and judge; no toolkit in it."""
