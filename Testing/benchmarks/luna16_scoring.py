"""How long LUNA16's scoring takes with 1000 bootstraps: our command from its start to its last file, and a plain reference.

    python Testing/benchmarks/luna16_scoring.py [--data FOLDER] [--bootstraps 1000]

FOLDER holds the organisers' lists (annotations.csv, annotations_excluded.csv, seriesuids.csv) and scored/made_up_marks.csv.
Without it, lists of the same size are invented. The reference goes by the published rules with loops over scans, nodules and
marks, and copies the marks of each drawn scan in each sample. Both must give the same numbers.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

RECORDED_S = 25.0
"""What the organisers' own script took for the same files, with its 1000 bootstraps, on two cores of the same machine."""
RATES = (0.125, 0.25, 0.5, 1, 2, 4, 8)
NAMES = ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv", "scored/made_up_marks.csv")
DATA = (
    Path(os.environ.get("LESION_TEST_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data")) / "luna16"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--bootstraps", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3, help="of our command; the fastest counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [options.data / name for name in NAMES]
        if not all(path.exists() for path in files):
            files = invent(Path(folder))
            print("The organisers' lists are not here: invented ones of the same size.")
        ours = min(run_command(files, Path(folder) / f"run{run}", options.bootstraps) for run in range(options.runs))
        summary = json.loads((Path(folder) / "run0" / "summary.json").read_text())
        started = (time.perf_counter(), time.process_time())
        plain = reference(*files, options.bootstraps)
        slow = Seconds(time.perf_counter() - started[0], time.process_time() - started[1])
    values = {**summary, **{f"at {key}": value for key, value in summary["sensitivity_at_fp"].items()}}
    difference = max(abs(values[name] - value) for name, value in plain.items() if "bootstrap" not in name)
    boots = summary["bootstrap"]["sensitivity_at_fp"]["0.125"] if options.bootstraps else {}
    print(f"{options.bootstraps} bootstraps, seconds                       wall   processor")
    print(f"lesion evaluate --protocol luna16, start to end: {ours.wall:6.2f} {ours.processor:9.2f}")
    print(f"plain reference, the same rules in loops:        {slow.wall:6.2f} {slow.processor:9.2f}", end="")
    print(f"   {slow.wall / ours.wall:.0f} and {slow.processor / ours.processor:.0f} times ours")
    print(f"the organisers' script, as recorded:             {RECORDED_S:6.2f}             ", end="")
    print(
        f"{RECORDED_S / ours.wall:.0f} times our wall time, {RECORDED_S / ours.processor:.0f} times our processor time"
    )
    print(
        "Other work on the machine makes every figure longer, wall times most; the recorded one had the machine to itself."
    )
    print(f"largest difference of any count or sensitivity:   {difference:.1e}")
    for name, value in boots.items():
        print(f"bootstrap at 1/8, {name}: {value:.4f} (reference {plain[f'bootstrap {name}']:.4f})")


class Seconds(NamedTuple):
    """On the clock, and of the processor."""

    wall: float
    processor: float


def run_command(files: list[Path], output: Path, bootstraps: int) -> Seconds:
    """One run as a process of its own."""
    names = ("--annotations", "--excluded", "--seriesuids", "--detections")
    arguments = [part for name, path in zip(names, files, strict=True) for part in (name, str(path))]
    command = [
        sys.executable,
        "-m",
        "LesionDetectionLib.app.command_line",
        "evaluate",
        "--protocol",
        "luna16",
        "--quiet",
    ]
    started, before = time.perf_counter(), os.times()
    subprocess.run([*command, *arguments, "--bootstraps", str(bootstraps), "--output", str(output)], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(time.perf_counter() - started, used)


def reference(annotations: Path, excluded: Path, series: Path, marks: Path, bootstraps: int) -> dict[str, float]:
    """The same numbers from loops over the rules."""
    names = [row[0] for row in read(series)]
    nodules, irrelevant, found = (
        by_series(read(annotations)[1:]),
        by_series(read(excluded)[1:]),
        by_series(read(marks)[1:]),
    )
    counts = dict.fromkeys(
        (
            "nodules",
            "candidates",
            "true_positives",
            "false_positives",
            "ignored_on_excluded",
            "ignored_double_detections",
        ),
        0,
    )
    events = {
        name: score_scan(nodules.get(name, []), irrelevant.get(name, []), found.get(name, []), counts) for name in names
    }
    sensitivities = curve_at([event for name in names for event in events[name]], len(names))
    values: dict[str, float] = {**counts, "cpm": sum(sensitivities) / len(RATES)}
    values.update({f"at {rate:g}": value for rate, value in zip(RATES, sensitivities, strict=True)})
    draw = random.Random(0)
    first = sorted(
        curve_at([event for _ in names for event in events[draw.choice(names)]], len(names))[0]
        for _ in range(bootstraps)
    )
    if first:
        values["bootstrap mean"] = sum(first) / len(first)
        values["bootstrap lower"] = first[int(0.025 * len(first))]
        values["bootstrap upper"] = first[int(0.975 * len(first))]
    return values


def score_scan(nodules, irrelevant, marks, counts):
    """(score or None, is a nodule) of each nodule and false positive of one scan."""
    if len(marks) > 100:
        bound = sorted((mark[3] for mark in marks), reverse=True)[100]
        marks = [mark for mark in marks if mark[3] > bound]
    counts["candidates"] += len(marks)
    counts["nodules"] += len(nodules)
    left, events = set(range(len(marks))), []
    for nodule in nodules:
        hits = [index for index, mark in enumerate(marks) if is_hit(nodule, mark)]
        left.difference_update(hits)
        counts["true_positives"] += bool(hits)
        counts["ignored_double_detections"] += max(0, len(hits) - 1)
        events.append((max((marks[index][3] for index in hits), default=None), True))
    for finding in irrelevant:
        on_it = [index for index in left if is_hit(finding, marks[index])]
        counts["ignored_on_excluded"] += len(on_it)
        left.difference_update(on_it)
    counts["false_positives"] += len(left)
    return events + [(marks[index][3], False) for index in left]


def is_hit(finding, mark) -> bool:
    diameter = finding[3] if finding[3] >= 0 else 10.0
    return sum((a - b) ** 2 for a, b in zip(finding[:3], mark[:3], strict=True)) < (diameter / 2) ** 2


def curve_at(events, scans: int) -> list[float]:
    """Sensitivity at the rates: a point after each distinct score, straight lines between."""
    nodules = sum(is_nodule for _, is_nodule in events)
    ranked = sorted((event for event in events if event[0] is not None), key=lambda event: -event[0])
    points, true, false = [(0.0, 0.0)], 0, 0
    for index, (score, is_nodule) in enumerate(ranked):
        true, false = true + is_nodule, false + (not is_nodule)
        if index + 1 == len(ranked) or ranked[index + 1][0] != score:
            points.append((false / scans, true / nodules))
    read_at, place = [], 0
    for rate in RATES:
        while place + 1 < len(points) and points[place + 1][0] <= rate:
            place += 1
        x, y = points[place]
        if place + 1 < len(points) and rate > x:
            beyond_x, beyond_y = points[place + 1]
            y += (beyond_y - y) * (rate - x) / (beyond_x - x)
        read_at.append(y)
    return read_at


def by_series(rows):
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(tuple(map(float, row[1:])))
    return found


def read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return [row for row in csv.reader(file) if row]


def invent(folder: Path) -> list[Path]:
    """Lists of LUNA16's size: 888 series, 1186 nodules, 35192 excluded findings, about 18600 marks."""
    draw = random.Random(1)
    names = [f"1.2.3.{number}" for number in range(888)]

    def place() -> list[float]:
        return [draw.uniform(-120, 120) for _ in range(3)]

    nodules = [[draw.choice(names), *place(), 3 + draw.expovariate(1 / 5)] for _ in range(1186)]
    excluded = [[draw.choice(names), *place(), -1] for _ in range(35192)]
    on_nodules = [
        [name, *(c + draw.gauss(0, diameter / 6) for c in center), draw.random() ** 0.5]
        for name, *center, diameter in nodules * 2
        if draw.random() < 0.75
    ]
    elsewhere = [[draw.choice(names), *place(), draw.random() ** 3] for _ in range(16800)]
    heading, paths = ["seriesuid", "coordX", "coordY", "coordZ"], [folder / name.replace("/", "-") for name in NAMES]
    for path, first, rows in (
        (paths[0], [*heading, "diameter_mm"], nodules),
        (paths[1], [*heading, "diameter_mm"], excluded),
        (paths[2], None, [[name] for name in names]),
        (paths[3], [*heading, "probability"], on_nodules + elsewhere),
    ):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(([first] if first else []) + rows)
    return paths


if __name__ == "__main__":
    main()
