"""Valid 3D convolutions of chosen square columns of a feature map, by two exact routes."""
