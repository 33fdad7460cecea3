"""Train ``nodule-ct`` on chest phantoms and write the bundle: ``python -m LesionTrainingLib.learning.train_nodule_ct``."""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import LesionDetectionLib
import torch
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.bundle import CARD, MANIFEST, WEIGHTS, Manifest, write_bundle
from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ..evaluation.evaluate_nodule_ct import as_table, evaluate, summary
from .nodule_ct.card import INTENDED_USE, write_card
from .nodule_ct.phantoms import PhantomRequest, phantom_scans, protocol_of
from .nodule_ct.recipe import Trained, as_bundle, train
from .nodule_ct.settings import RecipeSettings

NAME, MODEL_VERSION = "nodule-ct-phantom", "1"
VALIDATION_SEED, TEST_SEED = 5000, 9000
"""Training phantoms have seeds below the first, validation ones from there, test ones from the second on."""
TEST_PRESET = "default"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train_nodule_ct", description="Train nodule-ct on computer-made chest phantoms and write a model bundle."
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--cases", type=int, default=48, help="training phantoms (default 48)")
    parser.add_argument(
        "--validation-cases", type=int, default=12, help="phantoms that set the thresholds (default 12)"
    )
    parser.add_argument("--test-cases", type=int, default=20, help="phantoms that are only measured on (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the networks, and of the first training phantom")
    parser.add_argument("--screening-steps", type=int, help="optimiser steps of the first network")
    parser.add_argument("--reduction-steps", type=int, help="optimiser steps of the second network")
    parser.add_argument("--cache", type=Path, default=Path("output/phantom-cache"), help="where phantoms are kept")
    parser.add_argument("--threads", type=int, default=2, help="processor threads and processes (default 2)")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:1")
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        check_output_folder(options.output, (MANIFEST, WEIGHTS, CARD), options.overwrite)
        with shown_progress() as progress:
            print(_run(options, progress))
    except LesionDetectionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _run(options: argparse.Namespace, progress: Progress) -> str:
    """Make the phantoms, train, measure, write; returns the table of what was measured."""
    _check(options)
    torch.set_num_threads(options.threads)
    settings, nodule, started = _recipe(options), NoduleSettings(), time.monotonic()
    training_seeds = range(options.seed, options.seed + options.cases)
    validation_seeds = range(VALIDATION_SEED, VALIDATION_SEED + options.validation_cases)
    test_seeds = range(TEST_SEED, TEST_SEED + options.test_cases)
    requests = [PhantomRequest(seed, protocol_of(seed), nodule) for seed in (*training_seeds, *validation_seeds)]
    scans = phantom_scans(requests, options.cache, options.threads, progress.part(0, 0.15))
    made = time.monotonic()
    trained = train(
        scans[: options.cases],
        scans[options.cases :],
        settings,
        nodule,
        options.seed,
        options.device,
        progress.part(0.15, 0.85),
    )
    record: dict[str, Any] = {
        "data": "computer-made chest phantoms, no patients",
        "command": _command(options),
        "seed": options.seed,
        "training_seeds": _span(training_seeds),
        "validation_seeds": _span(validation_seeds),
        "test_seeds": _span(test_seeds),
        "test_scans": len(test_seeds),
        "test_preset": TEST_PRESET,
        "recipe": asdict(settings),
        **trained.record,
        "threads": options.threads,
        "machine": f"{platform.machine()}, device {options.device}",
        "versions": _versions(),
        "code_sha256": _code_digest(),
    }
    record["seconds"] = {"phantoms (those not in the cache)": round(made - started), **trained.record["seconds"]}
    tested = time.monotonic()
    evaluation = evaluate(as_bundle(trained), test_seeds, TEST_PRESET, options.device, progress.part(0.85, 1))
    record["seconds"]["test"] = round(time.monotonic() - tested)
    record["seconds"]["in all"] = round(time.monotonic() - started)
    trained.metrics["test"] = summary(evaluation)
    table = as_table(evaluation)
    card = write_card(NAME, trained, settings, record, table)
    write_bundle(options.output, _manifest(trained, record), trained.weights, card, options.overwrite)
    return table


def _check(options: argparse.Namespace) -> None:
    """Raises UsageError for numbers that make no sense together."""
    for name in ("cases", "validation_cases", "test_cases", "threads"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1.")
    if options.seed < 0 or options.seed + options.cases > VALIDATION_SEED:
        raise UsageError(
            f"Training phantoms have the seeds from --seed on, and those from {VALIDATION_SEED} on are for validation: "
            "choose a smaller --seed or fewer --cases."
        )
    if options.validation_cases > TEST_SEED - VALIDATION_SEED:
        raise UsageError(
            f"At most {TEST_SEED - VALIDATION_SEED} validation phantoms: the seeds from {TEST_SEED} are for tests."
        )


def _recipe(options: argparse.Namespace) -> RecipeSettings:
    settings = RecipeSettings()
    first, second = settings.screening_stage, settings.reduction_stage
    return replace(
        settings,
        screening_stage=replace(first, steps=options.screening_steps or first.steps),
        reduction_stage=replace(second, steps=options.reduction_steps or second.steps),
    )


def _manifest(trained: Trained, record: dict[str, Any]) -> Manifest:
    return Manifest(
        method="nodule-ct",
        name=NAME,
        version=MODEL_VERSION,
        architecture=trained.architecture,
        settings=trained.settings,
        training=record,
        trained_on_phantoms=True,
        metrics=trained.metrics,
        intended_use=INTENDED_USE,
    )


def _command(options: argparse.Namespace) -> str:
    """The command that makes this bundle again; where it is written and what is cached does not matter."""
    parts = [
        f"--{name.replace('_', '-')} {value}" for name, value in sorted(vars(options).items()) if value is not None
    ]
    kept = [part for part in parts if not part.startswith(("--output", "--cache", "--overwrite"))]
    return " ".join(["python -m LesionTrainingLib.learning.train_nodule_ct --output FOLDER", *kept])


def _span(seeds: range) -> str:
    return f"{seeds[0]}-{seeds[-1]}"


def _versions() -> dict[str, str]:
    libraries = ("torch", "numpy", "scipy", "opencv-python-headless", "safetensors")
    return {
        "python": platform.python_version(),
        "LesionDetectionLib": LesionDetectionLib.__version__,
        **{name: version(name) for name in libraries},
    }


def _code_digest() -> str:
    """SHA-256 over the sources that a model depends on: phantoms, learning, imaging and the method."""
    learning, detection = Path(__file__).parent, Path(LesionDetectionLib.__file__).parent
    folders = (learning, learning.parent / "cohorts", detection / "imaging", detection / "methods")
    digest = hashlib.sha256()
    for folder in folders:
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.relative_to(folder.parent).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
