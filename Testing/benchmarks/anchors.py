"""How long anchors for 30,000 boxes take, and how good they are, beside SciPy's plain search with the paper's settings.

    python Testing/benchmarks/anchors.py [--list DL_info.csv] [--boxes 30000] [--plain-runs 3]

The boxes are rows of a DeepLesion list, drawn with replacement, each side changed by some per cent (log-normal, 0.05), so that
nearly all shapes differ; without a list they are invented (log-normal sides). The plain search is differential_evolution as SciPy
has it (best1bin, 15 candidates a variable, tolerance 0.01, its own last polish), in the paper's bounds, one candidate after the other,
and tries all 75 anchors on all boxes. Both judge by the plain formula in the end.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors, read_anchors
from LesionTrainingLib.anchors.boxes import Reading, read_boxes
from LesionTrainingLib.anchors.overlap import MeanOverlap, fold
from LesionTrainingLib.anchors.search import SearchSettings, find_anchors
from scipy.optimize import differential_evolution

LIST = (
    Path(os.environ.get("LESION_TEST_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
    / "deeplesion"
    / "DL_info_subset.csv"
)
SIZES = (32.0, 64.0, 128.0, 256.0, 512.0)
BOUNDS = [(0.4, 1.6)] * 3 + [(1.0, 2.0), (2.0, 4.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--boxes", type=int, default=30_000, help="0: the rows of the list as they are")
    parser.add_argument("--plain-runs", type=int, default=3, help="with seeds from 0")
    parser.add_argument("--runs", type=int, default=3, help="of ours, with seeds from 0; the fastest counts")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "DL_info.csv"
        if options.list.exists() and not options.boxes:
            table = options.list
        elif options.list.exists():
            write_list(options.list, table, options.boxes, draw)
        else:
            print("No list: invented boxes.")
            write_sides(table, options.boxes, draw)
        command = min(run_command(table, Path(folder) / f"run{n}", n) for n in range(options.runs))
        boxes = read_boxes(str(table), Reading(split="all" if options.list.exists() else ""))
        written = read_anchors(Path(folder) / "run0")
    report(boxes.sides, written, command, options)


def report(sides, written: Anchors, command: Seconds, options: argparse.Namespace) -> None:
    shapes = fold(sides)
    print(f"{len(sides)} boxes, {len(shapes)} shapes; seconds                wall processor   mean IoU")
    print(
        f"lesion anchors, start to end, fastest of {options.runs}: {command}    {plain_mean(sides, written):.5f}",
        flush=True,
    )
    ours, plain = [], []
    for seed in range(options.runs):
        started = now()
        found = find_anchors(shapes, SearchSettings(seed=seed))
        ours.append((Seconds.since(started), plain_mean(sides, found.anchors)))
        ends = f"runs {min(found.runs):.5f} to {max(found.runs):.5f}, {found.evaluations} candidates"
        print(f"  its search alone, seed {seed}:               {ours[-1][0]}    {ours[-1][1]:.5f}   {ends}", flush=True)
    for seed in range(options.plain_runs):
        started = now()
        anchors, judged = plain_search(sides, seed)
        plain.append((Seconds.since(started), plain_mean(sides, anchors)))
        print(
            f"SciPy's plain search, seed {seed}:             {plain[-1][0]}    {plain[-1][1]:.5f}   {judged} candidates",
            flush=True,
        )
    one_candidate(sides, shapes)
    if plain:
        slow, quick = min(plain)[0], min(ours)[0]
        print(
            f"plain over ours, fastest of each: search {slow.wall / quick.wall:.2g} (wall), {slow.processor / quick.processor:.2g} ",
            end="",
        )
        print(f"(processor); whole command {slow.wall / command.wall:.2g} and {slow.processor / command.processor:.2g}")
        for name, choose in (("worst", min), ("best", max)):
            print(
                f"mean IoU, {name} of seeds: ours {choose(m for _, m in ours):.5f}, plain {choose(m for _, m in plain):.5f}"
            )
    print("Other work on the machine makes every figure longer, wall times most.")


class Seconds(NamedTuple):
    """On the clock, and of the processor."""

    wall: float
    processor: float

    @classmethod
    def since(cls, started: tuple[float, float]) -> Seconds:
        return cls(time.perf_counter() - started[0], time.process_time() - started[1])

    def __str__(self) -> str:
        return f"{self.wall:8.2f} {self.processor:9.2f}"


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def run_command(table: Path, output: Path, seed: int) -> Seconds:
    """One run as a process of its own."""
    command = [sys.executable, "-m", "LesionDetectionLib.app.command_line", "anchors", str(table), "--quiet"]
    split = ["--split", "all"] if "Bounding_boxes" in table.read_text(encoding="utf-8")[:1000] else []
    started, before = time.perf_counter(), os.times()
    subprocess.run([*command, *split, "--seed", str(seed), "--output", str(output)], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(time.perf_counter() - started, used)


def plain_search(sides, seed: int) -> tuple[Anchors, int]:
    result = differential_evolution(
        lambda x: -plain_overlap(sides, x[:3], x[3:]).mean(), BOUNDS, seed=np.random.default_rng(seed)
    )
    larger = sorted(result.x[3:])
    ratios = (*(1 / r for r in larger[::-1]), 1.0, *larger)
    return Anchors(SIZES, tuple(sorted(result.x[:3])), ratios), result.nfev


def plain_mean(sides, anchors: Anchors) -> float:
    larger = np.array([ratio for ratio in anchors.ratios if ratio > 1])
    return float(plain_overlap(sides, np.array(anchors.scales), larger).mean())


def plain_overlap(sides, scales, larger):
    """[n] IoU of the best of all anchors of the same centre, each tried."""
    side = np.multiply.outer(np.array(SIZES), scales).ravel()[:, None]
    root = np.sqrt(np.concatenate([[1.0], larger, 1 / np.asarray(larger)]))
    width, height = (side / root).ravel(), (side * root).ravel()
    shared = np.minimum(sides[:, :1], width) * np.minimum(sides[:, 1:], height)
    return (shared / (sides.prod(axis=1)[:, None] + width * height - shared)).max(axis=1)


def one_candidate(sides, shapes) -> None:
    draw = np.random.default_rng(1)
    scales, ratios = draw.uniform(0.4, 1.6, (75, 3)), draw.uniform(1, 4, (75, 2))
    objective = MeanOverlap(shapes, SIZES)
    objective(scales, ratios)
    started = time.perf_counter()
    fast = objective(scales, ratios)
    ours = (time.perf_counter() - started) / 75
    started = time.perf_counter()
    slow = np.array([plain_overlap(sides, s, r).mean() for s, r in zip(scales[:10], ratios[:10], strict=True)])
    plain = (time.perf_counter() - started) / 10
    print(
        f"one candidate on all boxes: {1e3 * ours:.2f} ms, plain {1e3 * plain:.1f} ms ({plain / ours:.0f} times); ",
        end="",
    )
    print(f"largest difference {np.abs(fast[:10] - slow).max():.0e}")


def write_list(source: Path, target: Path, count: int, draw: np.random.Generator) -> None:
    """A list of DeepLesion's form: rows of another, each as a patient of its own, with changed boxes."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for number in range(count):
            row = dict(rows[draw.integers(len(rows))])
            left, top, right, bottom = (float(part) for part in row["Bounding_boxes"].split(","))
            width, height = np.array([right - left, bottom - top]) * np.exp(draw.normal(0, 0.05, 2))
            row["Bounding_boxes"] = f"{left:.3f}, {top:.3f}, {left + width:.3f}, {top + height:.3f}"
            row["File_name"] = f"{number:06d}_01_01_{int(row['Key_slice_index']):03d}.png"
            writer.writerow(row)


def write_sides(target: Path, count: int, draw: np.random.Generator) -> None:
    sides = np.exp(draw.normal(np.log(30), 0.5, (count, 1)) + draw.normal(0, 0.2, (count, 2)))
    text = "\n".join(f"{width:.3f},{height:.3f}" for width, height in sides)
    target.write_text(f"width,height\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
