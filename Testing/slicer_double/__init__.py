"""A strict double of 3D Slicer 5.8.1 for tests: what a running Slicer listed exists here, and nothing else.

In front lies what Slicer's Python sees (PythonQt: properties without parentheses, signals by their signature, enums as
integers). Behind lie real widgets (PySide6, offscreen) and real MRML (slicer-core), so that panels run, can be clicked and
can be drawn. A member that Slicer has and the double does not imitate raises NotImplementedError: nothing passes silently.

The fixture ``slicer_app`` (``fixture.py``) puts ``qt``, ``ctk``, ``slicer.app`` and the rest into place for one test.
Files: ``api`` the lists; ``proxy``, ``calls``, ``values``, ``signals`` what PythonQt does; ``behind`` the CTK and MRML
widgets; ``util``, ``application``, ``modules``, ``scripted``, ``parameter_node``, ``dicom`` Slicer's own parts.
"""
