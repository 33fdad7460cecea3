"""What a search says in words: its answer, and how far the answer goes."""

from __future__ import annotations

from ..learning.provenance import without_folders
from ..reproduction.wording import counted
from .journal import GRID, RANDOM, Trial
from .measures import LOSS, METRIC, Measure
from .search import Search
from .trial import DIVERGED, DONE, FULL, REFUSED
from .varied import Varied, shown

_WAYS = {
    GRID: "All points of the lists, or as many of them as were asked for, drawn with the seed.",
    RANDOM: "Values drawn at random.",
}
_TPE = (
    "Values drawn at random at first, then where earlier trials were good (TPE, Bergstra et al., “Algorithms for hyper-parameter "
    "optimization”, 2011, as Optuna has it)."
)
_MEASURES = {
    LOSS: "Trials are compared by the loss of training. It says how fast and how far the network learns what it is shown, not how it "
    "does on other patients; losses that are weighted differently cannot be compared.",
    METRIC: "Trials are compared by the best of their validations. The best of many is a little too good: measure the model on patients "
    "that took no part in the search.",
}
_SECONDS = (
    "Trials are compared by time alone: by their steps, from the second tenth on, without what is between them. It holds for this device "
    "and this load."
)


def values_in_words(values: dict[str, object]) -> str:
    """``fit.batch 8, fit.learning_rate 0.003``."""
    return ", ".join(f"{path} {shown(value)}" for path, value in values.items())


def lead(search: Search) -> str:
    """The answer in a sentence or two."""
    ended = [trial for trial in search.candidates if trial.ended]
    of = counted(len(ended), "trial") + (f" of {search.wanted} so far" if len(ended) < search.wanted else "")
    lost = ", ".join(
        f"{count} {state if state != REFUSED else 'cannot be'}"
        for state in (DIVERGED, FULL, REFUSED)
        if (count := sum(trial.state == state for trial in ended))
    )
    also = f" Of the others {lost}." if lost and search.best else ""
    if search.best is None:
        return f"None of {of} ended with a {search.measure.title}" + (f": {lost}." if lost else ".")
    title, value = search.measure.title, f"{search.best.outcome.value:.4g}"
    if _all_alike(search):
        return f"Nothing tells {of} apart: all have {value} as {title}.{also}"
    return f"Best of {of}: {values_in_words(search.best.values)} ({title} {value}).{also}"


def _all_alike(search: Search) -> bool:
    """Whether several trials ended, all with the same measure: early validations often find nothing at all."""
    values = [trial.outcome.value for trial in search.candidates if trial.state == DONE]
    return len(values) > 1 and len(set(values)) == 1


def warnings(search: Search) -> tuple[str, ...]:
    """What makes the answer mean less than it seems."""
    found = []
    if search.on_phantoms:
        found.append("All cases are computer-made phantoms: what is best on them need not be best on patients.")
    if search.best is not None and len(search.candidates) > 1 and not _all_alike(search):
        found.append(_noise(search, search.best))
        found += [text for one in search.space.varied if (text := _at_edge(one, search.best))]
    waiting = sum(not trial.ended for trial in search.trials)
    if waiting:
        found.append(f"{counted(waiting, 'trial')} not ended yet: run the same command with --resume.")
    return tuple(found)


def _noise(search: Search, best: Trial) -> str:
    """Whether the differences are larger than what another seed makes of one and the same settings."""
    others = [trial for trial in search.candidates if trial.state == DONE and trial is not best]
    again = [trial.outcome.value for trial in search.repeats if trial.state == DONE]
    if not again:
        return (
            "Each setting was tried once, with one seed."
            + _runner_up(search, best)
            + (" What another seed changes is not known, and may be more: --again 3 fits the best with three others.")
        )
    values = sorted([best.outcome.value, *again])
    width = values[-1] - values[0]  # other settings vary as much, as far as anyone knows
    within = [trial for trial in others if abs(trial.outcome.value - best.outcome.value) <= width]
    spread = f"With {len(values)} seeds the best settings gave {values[0]:.4g} to {values[-1]:.4g}."
    if not within:
        return f"{spread} All other trials, of one seed each, differ from it by more than that."
    told = "; ".join(values_in_words(trial.values) for trial in within[:3])
    more = f"; and {len(within) - 3} more" if len(within) > 3 else ""
    count = counted(len(within), "other trial")
    return f"{spread} {count} cannot be told apart from the best, as the difference is smaller than that: {told}{more}."


def _runner_up(search: Search, best: Trial) -> str:
    others = [trial.outcome.value for trial in search.candidates if trial.state == DONE and trial is not best]
    if not others:
        return ""
    second = max(others) if search.measure.higher_is_better else min(others)
    return f" The second best has {second:.4g}, the best {best.outcome.value:.4g}."


def _at_edge(one: Varied, best: Trial) -> str:
    """Said where the best is the lowest or the highest of what was tried, so that better may lie beyond."""
    if not one.is_numeric or (len(one.examples) < 3 and not one.is_range):
        return ""
    low, high, value = min(one.examples), max(one.examples), best.values[one.path]
    if low < value < high:
        return ""
    which = "lowest" if value <= low else "highest"
    return f"The best {one.path}, {shown(value)}, is the {which} that was tried: better may lie beyond."


def how_lines(search: Search) -> tuple[str, ...]:
    """Paragraphs on the search itself."""
    request = search.request
    patients = (
        f"; at most {counted(request.cases, 'patient')} of each part, drawn with the seed" if request.cases else ""
    )
    cases = f"{counted(search.cases[0], 'case')} to learn from, {search.cases[1]} for validations{patients}"
    varied = "; ".join(f"{one.path}: {_range_in_words(one)}" for one in search.space.varied)
    length = (
        f"Each fit had {counted(request.steps, 'step')}."
        if request.steps
        else f"Each fit saw {request.samples} samples, whatever its batch."
        if request.samples
        else "Each fit was as long as the settings say."
    )
    early = " What is best early need not be best in the end." if request.steps or request.samples else ""
    return (
        f"Cohort: {without_folders(request.parts.cohort)}. {cases}. Device: {search.device}.",
        f"Varied: {varied}. {_WAYS.get(search.way, _TPE)} {length}{early}",
        f"All trials but repeats have the seed {request.parts.seed}: the same first weights where the network is the same, and the same "
        f"samples where the batch is. Looked at is the fit “{search.measure.fit}”; what the recipe does after it is left out. "
        + measure_in_words(search.measure),
        *_left_out(search),
    )


def _left_out(search: Search) -> tuple[str, ...]:
    """The count alone: names of cases may be those of patients."""
    if not search.left_out:
        return ()
    return (
        f"{counted(len(search.left_out), 'case')} could not be used; “lesion cohort SPEC --check” says which, and why.",
    )


def measure_in_words(measure: Measure) -> str:
    return _MEASURES.get(measure.name, _SECONDS)


def _range_in_words(one: Varied) -> str:
    if not one.is_range:
        return ", ".join(one.labels)
    return f"{shown(one.low)} to {shown(one.high)}" + (" by its logarithm" if one.logarithmic else "")
