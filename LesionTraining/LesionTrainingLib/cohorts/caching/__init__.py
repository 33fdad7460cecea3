"""What was prepared of cases, kept on disk: the cache that all recipes share."""

from .cache import Cache
from .entries import Content, Entry, Maker

__all__ = ["Cache", "Content", "Entry", "Maker"]
