"""Exact fast routes of convolutions: valid 3D ones of chosen square columns of a feature map, and 3 x 3 ones of whole slices."""
