"""Active lung lesions from CT alone: the network, and its response at every pixel of a slice."""
