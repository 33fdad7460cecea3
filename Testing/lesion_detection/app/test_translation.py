"""Sentences are Slicer's translations in Slicer, and stand as they are elsewhere."""

from __future__ import annotations

import sys
from types import SimpleNamespace

from LesionDetectionLib.app.translation import tr


def test_a_text_is_translated_where_slicer_is(monkeypatch):
    monkeypatch.delitem(sys.modules, "slicer.i18n", raising=False)
    assert tr("Nodule") == "Nodule"
    asked = []
    slicers = SimpleNamespace(
        getContext=lambda path: path.rpartition("/")[2],
        translate=lambda context, text: asked.append((context, text)) or "Knoten",
    )
    monkeypatch.setitem(sys.modules, "slicer.i18n", slicers)
    assert tr("Nodule") == "Knoten"
    assert asked == [("test_translation.py", "Nodule")], "in the context of the file that the text stands in"
