"""A strict double of 3D Slicer 5.8.1 for tests: what a running Slicer listed exists here, and nothing else.

In front lies what Slicer's Python sees (PythonQt: properties without parentheses, signals by their signature, enums as
integers). Behind lie real widgets (PySide6, offscreen) and real MRML (slicer-core), so that panels run, can be clicked and
can be drawn. A member that Slicer has and the double does not imitate raises NotImplementedError: nothing passes silently.

The fixture ``slicer_app`` (``fixture``, ``slicer_app``) puts ``qt``, ``ctk``, ``slicer.app`` and the rest into place for
one test, and fails it at its end for what went wrong where nobody saw it (``problems``, ``left_running``).

``api`` the lists; ``classes``, ``proxy``, ``calls``, ``values``, ``signals``, ``overloads``, ``subclassing``, ``special``,
``namespaces`` what PythonQt does; ``behind`` the widgets of CTK and MRML; ``ui_loader`` .ui files; ``scene``, ``layout``,
``placing`` scene, views and clicks; ``application``, ``main_window``, ``modules``, ``scripted``, ``parameter_node``,
``util``, ``dialogs``, ``settings``, ``dicom``, ``sample_data`` Slicer's own parts; ``leaks`` who still observes;
``keys``, ``palettes`` for tests; ``python_modules`` what is forgotten afterwards; ``static`` what code names.
"""
