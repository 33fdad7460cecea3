"""What a study says in words: its answer, and how far the answer goes."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.output.tables import Table
from ..learning.provenance import without_folders
from ..reproduction.wording import counted
from .run import Found
from .settings import FOREST, LASSO, RPET_NET, UNIVARIATE, StudySettings
from .study import SCORES, Study

TITLES = {"accuracy": "Accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity", "auc": "AUC"}
FEW = 200
"""Patients below whom a page says what so few can show."""
_SURE = 0.05
_SELECTIONS = {
    UNIVARIATE: "those that tell the outcomes apart best, each alone",
    LASSO: "those with the largest weights of an L1 logistic regression",
}


def lead(study: Study) -> str:
    """The answer in a sentence or two."""
    positive = int(study.positive.sum())
    text = (
        f"Area below the ROC {study.pooled.text(2)} in {len(study.patients)} patients, {positive} of them positive, each told by a "
        "classifier that had not learned from it."
    )
    if study.permutations is None:
        return text
    chances = len(study.permutations.by_chance)
    return f"{text} Against outcomes dealt out by chance: p = {study.permutations.p:.3g} ({counted(chances, 'permutation')})."


def warnings(found: Found) -> tuple[str, ...]:
    """What makes the answer mean less than it seems."""
    study, said = found.study, list[str]()
    if found.cohort.on_phantoms:
        said.append("All images are computer-made phantoms: nothing here says anything about patients.")
    if study.permutations is None:
        said.append("Without permutations nobody knows what chance alone would give here.")
    elif study.permutations.p > _SURE:
        said.append(
            f"Chance alone gives as much in {100 * study.permutations.p:.0f} of 100 studies: this one shows no more than chance."
        )
    if len(study.patients) < FEW:
        said.append(
            f"{len(study.patients)} patients are few: dealt out to other folds they give another area. Its interval holds for the "
            "classifiers as they were learned, and for patients like these; what it is in others only data from elsewhere can show."
        )
    if found.request.mask_folder is not None:
        said.append(
            "The masks were made by somebody or something else. A model that learned from these patients knows them: then they are "
            "not told as unknown ones would be. Use masks from folds that did not hold the patient."
        )
    missing = len({one.case for one in found.left_out})
    if missing:
        said.append(
            f"{counted(missing, 'case or patient', 'cases or patients')} left out ({found_left_out(found)}): those who remain may not be like all."
        )
    return tuple(said)


def found_left_out(found: Found) -> str:
    """The commonest reason; names of cases are in the table alone."""
    reasons = [one.reason for one in found.left_out]
    most = max(sorted(set(reasons)), key=reasons.count)
    return f"the commonest reason: {most.rstrip('.')}"


def how_lines(found: Found) -> tuple[str, ...]:
    """Paragraphs on what was done."""
    request, outcomes = found.request, found.outcomes
    masks = "the cohort's labels" if request.mask_folder is None else request.mask_folder.name
    unknown = f"; not known of {counted(len(outcomes.unknown), 'patient')}" if outcomes.unknown else ""
    return (
        f"Cohort: {without_folders(request.cohort)}. Masks: {masks}. Outcome: {outcomes.column}, positive where it is "
        f"“{outcomes.positive}” (else “{outcomes.negative}”){unknown}.",
        *_features_in_words(found),
        *_study_in_words(found.study.settings),
        "A patient's probability was never made by anything that had learned from that patient: filling of gaps, scaling, the "
        "choice of features and of their number, all are learned anew in each fold from its other patients alone."
        if request.settings.study.classifier != RPET_NET
        else "A patient's probability was never made by a network that had learned from that patient.",
    )


def _features_in_words(found: Found) -> tuple[str, ...]:
    if found.table is None:
        rpet = found.request.settings.rpet
        seen = "the lesion alone" if rpet.masked else "the lesion and what is around it"
        return (f"3D-RPET-Net sees {seen} in a cube of {rpet.side} voxels of {rpet.spacing_mm:g} mm an edge.",)
    features = found.request.settings.features
    spacing = f"resampled to {features.spacing_mm:g} mm" if features.spacing_mm else "as it was"
    which = "the largest lesion" if features.lesion == "largest" else "all lesions together"
    return (
        f"{len(found.table.names)} features (IBSI, by MIRP) of {which}, the image {spacing}: {', '.join(features.families)}.",
    )


def _study_in_words(settings: StudySettings) -> tuple[str, ...]:
    repeats = f", dealt out {settings.repeats} times" if settings.repeats > 1 else ""
    threshold = f"{settings.threshold:g}" if settings.threshold else "the share of positives among those learned from"
    lines = [
        f"{settings.folds} folds{repeats}; a patient is called positive where the probability is at least {threshold}. Seed {settings.seed}."
    ]
    if settings.classifier != RPET_NET:
        what = "random forest" if settings.classifier == FOREST else "logistic regression"
        lines.append(
            f"{what.capitalize()} on {_SELECTIONS[settings.selection]}; {settings.inner_folds} inner folds choose among "
            f"{', '.join(map(str, settings.features))} features."
        )
    return tuple(lines)


def scores_table(study: Study) -> Table:
    """One row a fold, then mean and standard deviation."""
    rows: list[tuple[str | float | int, ...]] = [
        (
            f"{fold.number + 1}" if study.settings.repeats == 1 else f"{fold.repeat + 1}.{fold.number + 1}",
            len(fold.patients),
            *(getattr(fold, score) for score in SCORES),
        )
        for fold in study.folds
    ]
    summary = [study.mean_and_sd(score) for score in SCORES]
    rows.append(("mean", len(study.patients), *(mean for mean, _ in summary)))
    rows.append(("standard deviation", len(study.patients), *(sd for _, sd in summary)))
    return Table(
        ("fold", "patients", *SCORES), tuple(rows), "Sensitivity and specificity at each fold's own threshold."
    )


def mean_line(study: Study) -> str:
    """As papers print it: ``Accuracy 0.69 ± 0.04, ...``."""
    return ", ".join("{} {:.2f} ± {:.2f}".format(TITLES[score], *study.mean_and_sd(score)) for score in SCORES)


def chosen_table(study: Study, most: int | None = None) -> Table:
    names: Sequence[tuple[str, int]] = list(study.times_chosen.items())[:most]
    rows = tuple((name, count, count / len(study.folds)) for name, count in names)
    return Table(
        ("feature", "folds", "share"), rows, "How often each was chosen: one that is rarely chosen is chosen by chance."
    )
