"""One training loop for all recipes: what it is given is in :mod:`.task` and :mod:`.settings`, the loop in :mod:`.fit`."""
