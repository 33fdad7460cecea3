"""Figures of merit: pure functions of arrays. They know no files, no cases and no detector."""
