"""Studies of outcomes as plain JSON, so that a resume does none anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from ...evaluation.metrics.interval import Interval
from ...radiomics.calibration import calibrate
from ...radiomics.cross_validation import FoldResult
from ...radiomics.cubes import Cubes
from ...radiomics.settings import StudySettings
from ...radiomics.study import Permutations, Study
from ...radiomics.table import FeatureTable
from ..kept import keep_json, kept_json


def study_key(
    subjects: FeatureTable | Cubes, outcomes: Mapping[str, bool], folds: Sequence[Sequence[str]], *settings: Any
) -> str:
    """SHA-256 of all that a study depends on.

    Args:
        settings: dataclasses of plain values.
    """
    names = subjects.names if isinstance(subjects, FeatureTable) else ()
    plain = [subjects.patients, names, sorted(outcomes.items()), list(map(list, folds)), list(map(asdict, settings))]
    digest = hashlib.sha256(json.dumps(plain).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(subjects.values).tobytes())
    return digest.hexdigest()


def keep_study(path: Path, key: str, study: Study) -> None:
    """Write what a study said. Raises OutputError."""
    pooled, chance = study.pooled, study.permutations
    folds = [
        {
            "repeat": one.repeat,
            "number": one.number,
            "patients": list(one.patients),
            "positive": one.positive.tolist(),
            "probabilities": one.probabilities.tolist(),
            "threshold": one.threshold,
            "chosen": list(one.chosen),
            "tuned": dict(one.tuned),
        }
        for one in study.folds
    ]
    values = {
        "key": key,
        "folds": folds,
        "patients": list(study.patients),
        "positive": study.positive.tolist(),
        "probabilities": study.probabilities.tolist(),
        "pooled": [None if value != value else value for value in vars(pooled).values()],
        "chance": None if chance is None else [chance.observed, chance.by_chance.tolist()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    keep_json(path, values)


def kept_study(path: Path, key: str, settings: StudySettings) -> Study | None:
    """What :func:`keep_study` wrote of the very same study; None where nothing is kept, or what is damaged."""
    values = kept_json(path)
    if values is None or values.get("key") != key:
        return None
    try:
        folds = tuple(
            FoldResult(
                **{
                    **one,
                    "patients": tuple(one["patients"]),
                    "positive": np.array(one["positive"], dtype=np.bool_),
                    "probabilities": np.array(one["probabilities"], dtype=np.float64),
                    "chosen": tuple(one["chosen"]),
                }
            )
            for one in values["folds"]
        )
        probabilities = np.array(values["probabilities"], dtype=np.float64)
        positive = np.array(values["positive"], dtype=np.bool_)
        pooled = Interval(*(nan if value is None else value for value in values["pooled"]))
        chance = values["chance"]
        permutations = None if chance is None else Permutations(chance[0], np.array(chance[1], dtype=np.float64))
    except (KeyError, TypeError, ValueError):
        return None
    patients = tuple(values["patients"])
    calibration = calibrate(probabilities, positive)
    return Study(settings, folds, patients, positive, probabilities, pooled, permutations, calibration)
