"""Which images show the liver: told by type in validation and test; of training images a user's list says it."""

from __future__ import annotations

from dataclasses import replace

from LesionDetectionLib.core.errors import UsageError

from ...cohorts.case import TRAINING
from ...cohorts.cohort import Cohort
from ...cohorts.deeplesion import DeepLesionCase
from ...cohorts.deeplesion_choice import NOT_TOLD
from ...cohorts.deeplesion_rows import TYPES
from ...cohorts.spec import CohortSpec, open_cohort
from .settings import ReproductionSettings

LIVER = next(kind for kind, name in TYPES.items() if name == "liver")


def choose_livers(cohort: Cohort, settings: ReproductionSettings) -> Cohort:
    """The images that the settings' list names, and those that are told to show the liver; without a list all, where they are
    all of the liver.

    Raises:
        InputError: the list cannot be read, or does not fit the data.
        UsageError: nothing says which training images are of the liver.
    """
    if settings.images_list:
        given = CohortSpec.parse(cohort.spec)
        options = {**given.options, "types": str(LIVER), "list": settings.images_list}
        return open_cohort(str(replace(given, options=options)))
    if not all(_is_liver(case) for case in cohort.cases if isinstance(case, DeepLesionCase)):
        raise UsageError(
            "DeepLesion tells types of lesions for validation and test only: name a list of the training images with liver lesions, "
            "one a line, as “images_list” in a file for --config. Test and validation images of the liver need not be on it. The "
            "paper’s own list was not published."
        )
    return cohort


def _is_liver(case: DeepLesionCase) -> bool:
    """Whether an image has liver lesions alone, as far as is told of it; of training images nothing is, and that passes."""
    kinds = {lesion.kind for lesion in case.key.lesions}
    return kinds <= ({LIVER, NOT_TOLD} if case.split == TRAINING else {LIVER})
