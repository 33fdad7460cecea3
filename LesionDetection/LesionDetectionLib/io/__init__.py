"""Images in and results out: files, DICOM, MRML nodes. Knows no method."""
