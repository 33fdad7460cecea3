"""What recipes share that learn from slices of CT: which slices, what is true in them, samples of them, and how they are judged."""
