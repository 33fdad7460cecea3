"""What a user can do with findings, for every user interface; no toolkit in it."""
