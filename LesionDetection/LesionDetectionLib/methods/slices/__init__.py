"""What methods share that look at a CT slice by slice: what the network sees, boxes of slices linked to lesions, what is told."""
