"""The training page of the browser viewer: a skin on ``session``, as ``panel`` is in Slicer.

``training_page`` puts it together; each section shows a part of the session and hands on what a person does there; ``charts``
and ``card`` make what the browser draws.
"""
