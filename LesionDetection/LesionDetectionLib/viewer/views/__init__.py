"""What is drawn: Slicer's own views of the scene, and what the mouse does in them."""
