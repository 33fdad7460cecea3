"""Settings of the recipe that would fail, or make a model that nobody can use, are refused before anything is fitted."""

from __future__ import annotations

import math

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.nodule_ct.settings import NEGATIVES, RecipeSettings, SamplingSettings

WRONG = [
    ({"spacing_mm": [0, 2, 2]}, "voxel size"),
    ({"screening": {"widths": [0, 4, 8, 8]}}, "widths"),
    ({"reduction": {"trunk_widths": [4, -4, 8]}}, "widths"),
    ({"reduction": {"hidden": 0}}, "hidden"),
    ({"mining_scans": 0}, "mining_scans"),
    ({"mining_rounds": 0}, "mining_rounds"),
    ({"mined_per_scan": -1}, "mined_per_scan"),
    ({"mining_threshold": 7.0}, "mining_threshold"),
    ({"least_candidate_threshold": 0.9}, "least_candidate_threshold"),
    ({"candidates_per_scan": math.nan}, "candidates_per_scan"),
    ({"regression_weight": -1}, "regression_weight"),
    ({"operating_points": {}}, "operating points"),
    ({"operating_points": {"balanced": math.nan}}, "operating_points.balanced"),
    ({"operating_points": {"rare": 1.0}}, "“balanced” is none of the operating points"),
    ({"default_operating_point": "usual"}, "sensitive, balanced, specific"),
    ({"screening_stage": {"seed": 3}}, "--seed"),
    ({"sampling": {"screening_positives": 0.0}}, "screening_positives"),
    ({"sampling": {"reduction_positives": 1.0}}, "reduction_positives"),
    ({"sampling": {"proposed": 1.5}}, "proposed"),
    ({"sampling": {"shift_radii": -3.0}}, "shift_radii"),
    ({"sampling": {"screening_negatives": {"bones": 1.0}}}, "“bones”"),
    ({"sampling": {"reduction_negatives": {"lung": 0.0}}}, "above 0"),
    ({"sampling": {"screening_negatives": {"lung": -1.0, "mimic": 2.0}}}, "screening_negatives.lung"),
]


@pytest.mark.parametrize(("given", "told"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused_at_once(given, told):
    with pytest.raises(UsageError, match=told):
        changed(RecipeSettings(), given)


def test_what_makes_sense_is_taken():
    given = {"operating_points": {"rare": 0.125}, "default_operating_point": "rare", "sampling": {"proposed": 0}}
    assert changed(RecipeSettings(), given).default_operating_point == "rare"
    assert set(SamplingSettings().screening_negatives) == set(NEGATIVES)
