"""Which samples a step learns from. Everything is a function of seed and step, so that a resumed run goes on the same."""
