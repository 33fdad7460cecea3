"""Two times compared, as rows and columns: one table for the CSV file, Slicer's table node and the screen."""

from __future__ import annotations

from collections.abc import Callable

from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.core.lesion import Point

from .lesion_table import Cell, Column


def follow_up_columns(comparison: FollowUp) -> tuple[Column, ...]:
    """One row a lesion: targets, other pairs, what was not found again, what is new. Positions are RAS mm, each in its own
    scan; a change is of the diameter that counts (short axis of a lymph node, long axis of any other lesion)."""
    rows = comparison.rows

    def column(name: str, kind: type, read: Callable[[Row], Cell]) -> Column:
        return Column(name, kind, tuple(read(row) for row in rows))

    return (
        column("baseline", str, lambda row: row.baseline_id),
        column("follow_up", str, lambda row: row.follow_up_id),
        column("kind", str, lambda row: row.kind),
        column("target", str, lambda row: "yes" if row.target else "no"),
        column("organ", str, lambda row: row.organ),
        column("meaning", str, lambda row: row.meaning),
        column("measured", str, lambda row: "short axis" if row.node else "long axis"),
        column("baseline_mm", float, lambda row: row.baseline_mm),
        column("follow_up_mm", float, lambda row: row.follow_up_mm),
        column("change_mm", float, lambda row: row.change_mm),
        column("change_percent", float, lambda row: row.change_percent),
        column("baseline_volume_mm3", float, lambda row: row.baseline_volume_mm3),
        column("follow_up_volume_mm3", float, lambda row: row.follow_up_volume_mm3),
        column("volume_change_percent", float, lambda row: row.volume_change_percent),
        column("distance_mm", float, lambda row: row.distance_mm),
        column(
            "linked_by", str, lambda row: "" if row.distance_mm is None else "person" if row.by_person else "program"
        ),
        *(column(f"baseline_{axis}_mm", float, _part("baseline_ras_mm", n)) for n, axis in enumerate("ras")),
        *(column(f"follow_up_{axis}_mm", float, _part("follow_up_ras_mm", n)) for n, axis in enumerate("ras")),
        column("remark", str, lambda row: row.remark),
    )


def _part(name: str, axis: int) -> Callable[[Row], Cell]:
    def read(row: Row) -> Cell:
        place: Point | None = getattr(row, name)
        return None if place is None else place[axis]

    return read
