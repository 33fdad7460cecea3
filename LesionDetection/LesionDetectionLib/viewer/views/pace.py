"""How coarse a slice is drawn while it moves, so that the hand is followed where drawing is slow."""

from __future__ import annotations

_AIM_S = 0.022
"""For one picture: sending and showing it takes longer than that again, and 20 a second shall arrive."""
_SHARES = (1.0, 0.75, 0.6)
"""Of the pixels along each side. A CT has 512: three quarters of a large view show hardly less."""
_WEIGHT = 0.2
"""Of the newest picture in the mean."""


class Pace:
    """Attributes:
    share: of the pixels along each side that are to be drawn while the view moves.
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._whole_s = 0.0

    def took(self, seconds: float, share: float) -> None:
        """A picture took so long with this share of its pixels."""
        whole = seconds / share**2
        self._whole_s += (_WEIGHT if self._whole_s else 1.0) * (whole - self._whole_s)

    def begin(self) -> None:
        """The view begins to move: it keeps one share until it rests."""
        self.share = next((share for share in _SHARES if self._whole_s * share**2 <= _AIM_S), _SHARES[-1])
