"""Readings as LIDC-IDRI writes them."""

from __future__ import annotations

NAMESPACE = "http://www.nih.gov"


def outline(low, high):
    """The pixels just around columns and rows ``low`` to ``high`` (both with), clockwise, closed."""
    a, b = low - 1, high + 1
    top, right = [(x, a) for x in range(a, b)], [(b, y) for y in range(a, b)]
    bottom, left = [(x, b) for x in range(b, a, -1)], [(a, y) for y in range(b, a, -1)]
    return [*top, *right, *bottom, *left, (a, a)]


def roi(z, points, inclusion=True):
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in points)
    return (
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>1.2</imageSOP_UID>"
        f"<inclusion>{str(inclusion).upper()}</inclusion>{edges}</roi>"
    )


def nodule(*rois, malignancy=None):
    rated = f"<characteristics><malignancy>{malignancy}</malignancy></characteristics>" if malignancy else ""
    return f"<unblindedReadNodule><noduleID>n</noduleID>{rated}{''.join(rois)}</unblindedReadNodule>"


def block(low, high, zs, **more):
    """A nodule of a square in several slices."""
    return nodule(*(roi(z, outline(low, high)) for z in zs), **more)


def non_nodule(x, y, z):
    return (
        f"<nonNodule><nonNoduleID>o</nonNoduleID><imageZposition>{z}</imageZposition>"
        f"<locus><xCoord>{x}</xCoord><yCoord>{y}</yCoord></locus></nonNodule>"
    )


def message(*sessions, series="1.2.3", root="LidcReadMessage", before=""):
    read = "".join(f"<readingSession>{''.join(session)}</readingSession>" for session in sessions)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<{root} xmlns="{NAMESPACE}"><ResponseHeader>'
        f"<SeriesInstanceUid>{series}</SeriesInstanceUid></ResponseHeader>{read}</{root}>"
    )
