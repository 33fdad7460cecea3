"""Anchors for one's own boxes: reading boxes, the search for shapes that fit them, and how others' anchors fit beside it."""
