"""Colours of the page, dark and light; all else is in ``web/viewer.css``."""

from __future__ import annotations

from typing import Any

_DARK = {
    "background": "#101316",
    "surface": "#181c20",
    "primary": "#4c9be8",
    "error": "#e5616c",
    "warning": "#e0a030",
    "success": "#3fae6c",
}
_LIGHT = {
    "background": "#eceff2",
    "surface": "#fbfcfd",
    "primary": "#1766b3",
    "error": "#c0333f",
    "warning": "#a86500",
    "success": "#1f7f48",
}


def vuetify_config() -> dict[str, Any]:
    """What Vuetify is set up with."""
    return {
        "theme": {
            "defaultTheme": "dark",
            "themes": {"dark": {"dark": True, "colors": _DARK}, "light": {"dark": False, "colors": _LIGHT}},
        },
        "defaults": {"VBtn": {"ripple": False, "class": "text-none"}},
    }
