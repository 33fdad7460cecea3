"""Networks for photographs as feature extractors, of any width, with torchvision's layers and names, so that its weights fit."""
