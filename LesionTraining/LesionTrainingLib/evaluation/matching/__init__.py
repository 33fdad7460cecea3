"""One matcher, several named policies: what the field's scripts make of the same marks and the same lesions."""
