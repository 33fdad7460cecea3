"""Where cases come from: phantoms now; public sets, folders and DICOM databases with the same face."""
