"""What the slice views of a scene show, in Slicer and wherever else such views are."""
