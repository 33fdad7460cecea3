"""Varying images, masks, points and boxes in space and intensity: batched, on the device of the input, and seeded.

What varies is drawn first, for a whole global batch and on the processor, into a small table with a row a sample (a
:class:`~.drawn.Drawn`). Each process then takes its rows (``share.of(drawn)``) and does the costly part for them. So what
becomes of a sample depends on the seed, the step and its place in the global batch, not on who computes it.
"""
