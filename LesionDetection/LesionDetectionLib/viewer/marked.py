"""Attributes for screen readers, which trame's widgets do not know by name."""

from __future__ import annotations

import html


def marked(role: str = "", label: str = "", **bound: str) -> list[str]:
    """For ``raw_attrs`` of a widget.

    Args:
        bound: further ``aria_...`` attributes, each an expression of the browser's.
    """
    fixed = {"role": role, "aria-label": label}
    found = [f'{name}="{html.escape(value)}"' for name, value in fixed.items() if value]
    return found + [f':{name.replace("_", "-")}="{expression}"' for name, expression in bound.items()]
