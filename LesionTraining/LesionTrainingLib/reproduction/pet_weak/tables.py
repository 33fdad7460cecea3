"""Tables 1 and 2 of the paper, ours beside what was printed, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...evaluation.metrics.interval import Interval
from ...evaluation.metrics.proportions import wilson_interval
from ...evaluation.metrics.wilcoxon import PairedComparison
from ...evaluation.output.tables import Cell, Table
from ...radiomics.study import SCORES
from ..spread import Spread
from .measured import Outlined, ToldCompared, spread_over_folds
from .outcomes_told import RowTold
from .paper import DATA, P_VALUES, PRINTED, WHOSE, Pair
from .rows import ALL_ROWS, RPET_ROW

_MOST_FEATURES = 3


def paper_table(
    table: int, rows: Mapping[str, Outlined], told: Mapping[str, RowTold], name: str, data: str, outcome: str
) -> Table:
    """For people: each of our rows above the paper's.

    Args:
        table: its number.
        name: of our rows.
        data: what they were measured on.
        outcome: in words.
    """
    shown: list[tuple[Cell, ...]] = []
    for row in ALL_ROWS:
        dice = spread_text(rows[row.name].dice) if row.name in rows else "–"
        study = told[row.name].study if row.name in told else None
        figures = [spread_text(spread_over_folds(study, score)) for score in SCORES] if study else ["–"] * len(SCORES)
        patients = f"{len(study.patients)} of {_asked(told[row.name])}" if study else "–"
        shown.append((row.title, name, data, dice, patients, *figures))
        printed = PRINTED[table].get(row.name)
        if printed is not None:
            pairs = (printed.accuracy, printed.sensitivity, printed.specificity, printed.auc)
            theirs = [_printed(pair) for pair in (printed.dice, *pairs)]
            shown.append((row.title, WHOSE, DATA[table], theirs[0], "–", *theirs[1:]))
    caption = (
        "Dice: of all marks of a patient together against all drawn tumours together, mean ± standard deviation (n − 1) over the "
        f"patients; 0 where nothing is marked. The rest: {outcome}, told from features of the largest mark, mean ± standard deviation "
        "over the folds; 3d-rpet-Net looks at the drawn tumour itself. Outcomes told: of the patients whose outcome is known; in the others "
        "nothing was found that has features, which flatters the row. The paper does not say what its deviations are over."
    )
    columns = (
        "method",
        "whose",
        "measured on",
        "Dice",
        "outcomes told",
        "accuracy",
        "sensitivity",
        "specificity",
        "AUC",
    )
    return Table(columns, tuple(shown), caption)


def paper_table_values(rows: Mapping[str, Outlined], told: Mapping[str, RowTold], data: str) -> Table:
    """For programs: our rows with all digits."""
    columns = ["row", "measured_on", "dice_mean", "dice_sd", "dice_patients", "told_patients", "asked_patients"]
    columns += [f"{score}_{part}" for score in SCORES for part in ("mean", "sd", "folds")]
    shown: list[tuple[Cell, ...]] = []
    for row in ALL_ROWS:
        dice = rows[row.name].dice if row.name in rows else Spread.of(())
        one = told.get(row.name)
        study = one.study if one else None
        spreads = [spread_over_folds(study, score) if study else Spread.of(()) for score in SCORES]
        cells = [cell for each in spreads for cell in (each.mean, each.deviation, each.folds)]
        counts = (len(study.patients), _asked(one)) if study and one else (0, 0)
        shown.append((row.name, data, dice.mean, dice.deviation, dice.folds, *counts, *cells))
    return Table(tuple(columns), tuple(shown))


def found_table(rows: Sequence[Outlined], name: str, data: str) -> Table:
    """Whether the tumour was found at all, and what was said of it."""
    shown: list[tuple[Cell, ...]] = []
    for one in rows:
        count = len(one.found)
        marks = sum(each.marks for each in one.found) / count if count else float("nan")
        folds = "; ".join(_number(Spread.of([each.dice for each in some]).mean) for some in one.folds.values())
        shown.append(
            (
                one.row.title,
                name,
                data,
                _share(*one.hits),
                f"{one.without_marks} of {count}",
                f"{marks:.2f}" if marks == marks else "–",
                spread_text(one.first_dice),
                _share(*one.rightly_said),
                folds,
            )
        )
    caption = (
        "Focus: the hottest voxel of the mark with the highest score lies in a drawn tumour; in brackets 95 % (Wilson). First mark: that with the highest score, alone. Label: told rightly, "
        "lung or oesophagus; networks that segment tell none. The paper prints none of these."
    )
    columns = (
        "method",
        "whose",
        "measured on",
        "focus in the tumour",
        "without any mark",
        "marks a patient",
        "Dice of the first mark",
        "label right",
        "Dice of each fold",
    )
    return Table(columns, tuple(shown), caption)


def dice_table(found: Sequence[PairedComparison], data: str) -> Table:
    """Our row against the others, Dice patient by patient."""
    rows = tuple(
        (one.first, one.second, data, one.cases, one.higher, one.lower, one.median_difference, one.p_value)
        for one in found
    )
    caption = (
        "Dice of the same patients: two-tailed Wilcoxon signed-rank test. The networks of two folds share most of what they learned from, "
        "and p knows nothing of other draws of folds or seeds."
    )
    columns = ("first", "second", "measured on", "patients", "first higher", "lower", "median difference", "p")
    return Table(columns, rows, caption)


def told_table(table: int, found: Sequence[ToldCompared], data: str) -> Table:
    """Our row against the others, outcome by outcome."""
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        rows.append(
            (
                one.other.title,
                data,
                one.right.cases,
                one.right.higher,
                one.right.lower,
                one.right.p_value,
                f"{one.auc.difference:+.3f} ({one.auc.low:+.3f} to {one.auc.high:+.3f})".replace("-", "−"),
                one.auc.p,
                P_VALUES[table] if one.other == RPET_ROW else None,
            )
        )
    caption = (
        "“Our” against each other row on the patients that both tell: outcomes that only one tells rightly (McNemar’s exact test), and the "
        "difference of the areas below the pooled ROC with 95 % and p of a bootstrap over patients. The last column is the paper’s p of its own "
        "data, for which it names no test."
    )
    columns = (
        "other row",
        "measured on",
        "patients",
        "only ours right",
        "only the other right",
        "p (right or not)",
        "AUC, ours minus the other’s",
        "p (AUC)",
        "the paper’s p",
    )
    return Table(columns, tuple(rows), caption)


def studies_table(told: Mapping[str, RowTold], name: str, data: str) -> Table:
    """How sure the areas are, and what they rest on."""
    rows: list[tuple[Cell, ...]] = []
    for one in told.values():
        study = one.study
        if study is None:
            rows.append((one.row.title, name, data, "–", None, None, None, one.why_not))
            continue
        chosen = ", ".join(f"{feature} ({count})" for feature, count in [*study.times_chosen.items()][:_MOST_FEATURES])
        rows.append(
            (
                one.row.title,
                name,
                data,
                interval_text(study.pooled),
                study.permutations.p if study.permutations else None,
                study.calibration.slope,
                study.calibration.brier - study.calibration.brier_of_share,
                chosen or "looks at voxels",
            )
        )
    caption = (
        "Pooled AUC: of all patients together, with 95 % of a bootstrap over patients. p by chance: how often outcomes that are dealt out anew "
        "are told as well; only where settings ask for it, and not of 3d-rpet-Net. Slope of the calibration: 1 is right. Brier: of the probabilities, less that of telling "
        "everyone the share; below 0 something was told. Features: those chosen most often, and in how many folds."
    )
    columns = (
        "method",
        "whose",
        "measured on",
        "pooled AUC",
        "p by chance",
        "calibration slope",
        "Brier, less the share’s",
        "features",
    )
    return Table(columns, tuple(rows), caption)


def spread_text(one: Spread) -> str:
    """``0.73 ± 0.09``; a dash where there is no mean, no ± where there is no deviation."""
    if one.mean != one.mean:
        return "–"
    return f"{one.mean:.2f}" + (f" ± {one.deviation:.2f}" if one.deviation == one.deviation else "")


def interval_text(one: Interval) -> str:
    """``0.67 (0.55–0.78)``."""
    return f"{one.estimate:.2f} ({one.low:.2f}–{one.high:.2f})"


def _asked(one: RowTold) -> int:
    """Patients whose outcome is known."""
    assert one.study is not None
    return len(one.study.patients) + len({left.case for left in one.left_out})


def _printed(pair: Pair | None) -> str:
    return "–" if pair is None else f"{pair[0]:.2f} ± {pair[1]:.2f}"


def _share(part: int, every: int) -> str:
    """``38 of 40 (84–99 %)``; a dash of none."""
    if not every:
        return "–"
    low, high = wilson_interval(part, every)
    return f"{part} of {every} ({100 * float(low):.0f}–{100 * float(high):.0f} %)"


def _number(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"
