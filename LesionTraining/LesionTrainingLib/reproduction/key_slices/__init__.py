"""What reproductions share that are measured on key slices in DeepLesion's layout: parts, marks, what is read of them, pictures."""
