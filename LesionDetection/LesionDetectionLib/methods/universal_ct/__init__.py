"""Lesions anywhere in the body in CT (Zlocha et al., MICCAI 2019)."""
