"""Losses, sampling, augmentation, and one training recipe a method."""
