"""Reproductions are found by the id of their method."""

from __future__ import annotations

import subprocess
import sys

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.cohorts.phantoms.phantom import anatomies, protocol_names
from LesionTrainingLib.cohorts.spec import kinds
from LesionTrainingLib.learning.recipe import recipes
from LesionTrainingLib.reproduction.contract import reproduction, reproductions


@pytest.mark.parametrize("one", reproductions().values(), ids=list(reproductions()))
def test_each_fits_the_rest(one):
    assert one.method in recipes()
    assert one.kind in kinds()
    assert set(one.presets.values()) <= {name for anatomy in anatomies() for name in protocol_names(anatomy)}
    for preset in one.presets:
        assert one.settings_of(preset) == one.settings_of(preset)
    with pytest.raises(UsageError, match="no preset “huge”"):
        one.settings_of("huge")


def test_what_there_is_not_is_told():
    with pytest.raises(UsageError, match=r"no reproduction of “magic”.*nodule-ct"):
        reproduction("magic")


def test_looking_them_up_loads_no_heavy_library():
    code = (
        "import sys; from LesionTrainingLib.reproduction.contract import reproductions; assert reproductions(); "
        "print(sorted({'torch', 'matplotlib', 'SimpleITK', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
