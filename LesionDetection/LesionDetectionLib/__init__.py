"""Everything a lesion detection needs, inside 3D Slicer or without it.

``core`` (values and contracts) <- ``imaging`` (geometry and image operations) <- ``methods`` (one folder a method),
``io`` (files, DICOM, MRML) <- ``app`` (what a user does: command line, report). Importing this package loads none of
them.
"""

__version__ = "0.10.0"
