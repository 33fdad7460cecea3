"""DICOM as cohorts: a folder of files, or Slicer's database; labels from SEG, RTSTRUCT or a table."""
