"""Clicks on uptake, on real MRML: what the worker makes of them, which finding moves there, and its way back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.app.focus_request import AXIAL, CORONAL, EITHER, SAGITTAL, FocusRequest, lesion_at_focus
from LesionDetectionLib.app.session.focus import hottest_ras_mm
from LesionDetectionLib.app.worker.in_process import InProcess
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, LesionDetectionError, ModalityError, UsageError
from LesionDetectionLib.core.finding import CLICKED, DETECTED, Findings, Status
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import NEOPLASM, Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging import pet_focus
from LesionDetectionLib.io import mrml

SPACING_MM = 4.0
HEART, TUMOUR, NODE = (40.0, 60.0, 40.0), (88.0, 40.0, 72.0), (20.0, 100.0, 88.0)
"""RAS mm; none lies on another's rays."""
PEAKS = {HEART: 9.0, TUMOUR: 14.0, NODE: 6.0}


def pet_image(matrix=None, **facts) -> Image:
    """Three spheres of uptake, 8 mm in radius, above 0.5."""
    k, j, i = np.indices((30, 32, 28)) * SPACING_MM
    voxels = np.full(i.shape, 0.5, np.float32)
    for (r, a, s), peak in PEAKS.items():
        distance2 = (i - r) ** 2 + (j - a) ** 2 + (k - s) ** 2
        voxels += (peak * np.exp(-distance2 / 100.0)).astype(np.float32)
    grid = np.diag([SPACING_MM] * 3 + [1.0])
    return Image(voxels, grid if matrix is None else matrix @ grid, PET, SUV_BW, "pet", **facts)


@pytest.fixture(scope="module")
def image():
    return pet_image()


@pytest.fixture(scope="module")
def foci(image):
    """What the worker makes of a click into each."""
    return {place: ask(image, place) for place in PEAKS}


@pytest.fixture
def pet(scene, image):
    return mrml.volume_node(scene, image)


@pytest.fixture
def found(scene, session, image, pet, foci):
    """``found(HEART, NODE)``: a result in the scene, as a model that found uptake there would have made it."""

    def make(*places):
        lesions = tuple(
            replace(foci[place], score=0.9 - 0.1 * n, method="pet-weak", model="m", meaning=NEOPLASM, note="")
            for n, place in enumerate(places)
        )
        run = Detections(lesions, image.geometry, "pet-weak", image.name, PET, SUV_BW)
        session._add(pet, Findings.of(run), "pet pet-weak")
        return session.results

    return make


@pytest.fixture
def click(session, engine, pet, image):
    """``click(point, through)``: as the panel does it; the worker's answer comes at once."""

    def clicked(point, through="", **how):
        job = session.focus(pet, point, through, **how)
        if job is not None:
            engine.done(lesion_at_focus(job.request, {PET: image}, None, Progress()))
        return job

    return clicked


def ask(image, point, through="") -> Lesion:
    return lesion_at_focus(FocusRequest(PET, point, through), {PET: image}, None, Progress())


def places(session):
    return {item.id: item.seed_ras_mm or item.lesion.center_ras_mm for item in session.listed}


# The request


def test_the_request_survives_the_way_to_the_worker(image):
    request = FocusRequest(PET, TUMOUR, CORONAL)
    assert FocusRequest.from_json(request.to_json()) == request
    lesion = InProcess().submit(request, {PET: image}).result
    again = FocusRequest.result_from_json(FocusRequest.result_to_json(lesion))
    assert again.to_json() == lesion.to_json()
    assert (CORONAL, SAGITTAL, AXIAL) == pet_focus.VIEWS, "the panel names them without loading what outlines"


def test_the_uptake_at_the_point_is_outlined_at_its_share(image, foci):
    for place, lesion in foci.items():
        assert lesion.center_ras_mm == pytest.approx(place, abs=0.5)
        assert hottest_ras_mm(image, lesion) == pytest.approx(place)
        inside = image.voxels[lesion.mask.full(image.shape_kji)]
        assert inside.min() >= 0.4 * (PEAKS[place] + 0.5) - 1e-3


@pytest.mark.parametrize("through", [CORONAL, SAGITTAL, AXIAL])
@pytest.mark.parametrize("place", [TUMOUR, NODE])
def test_a_point_on_a_projection_is_that_of_its_focus(image, foci, through, place):
    r, a, s = place
    for depth in (0.0, 50.0, 104.0):
        point = {CORONAL: (r, depth, s), SAGITTAL: (depth, a, s), AXIAL: (r, a, depth)}[through]
        assert ask(image, point, through).to_json() == foci[place].to_json()


def test_where_both_projections_hold_the_point_the_hotter_one_counts(image, foci):
    """Before the point lies the node, beside it the tumour."""
    point = (NODE[0], TUMOUR[1], 80.0)
    assert ask(image, point, EITHER).center_ras_mm == pytest.approx(TUMOUR, abs=1)
    assert ask(image, point, CORONAL).center_ras_mm == pytest.approx(NODE, abs=1)


@settings(max_examples=15, deadline=None)
@given(
    angle=st.floats(-0.3, 0.3),
    shift=st.tuples(*[st.floats(-200, 200)] * 3),
    flips=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    place=st.sampled_from(list(PEAKS)),
)
def test_the_place_is_the_same_however_the_grid_lies(angle, shift, flips, place):
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix = matrix @ np.diag([*flips, 1.0])
    matrix[:3, 3] = shift
    image = pet_image(matrix)
    point = tuple(float(n) for n in matrix[:3, :3] @ place + matrix[:3, 3])
    lesion = ask(image, point)
    assert lesion.center_ras_mm == pytest.approx(point, abs=0.6)
    assert hottest_ras_mm(image, lesion) == pytest.approx(point, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "point", "through", "error"),
    [
        ({"modality": CT, "unit": HU}, TUMOUR, "", ModalityError),
        ({"unit": "Bq/ml"}, TUMOUR, "", ModalityError),
        ({}, (8.0, 8.0, 8.0), "", InputError),
        ({}, (-500.0, 8.0, 8.0), "", UsageError),
        ({}, (-500.0, 8.0, 8.0), CORONAL, UsageError),
        ({}, (float("nan"), 8.0, 8.0), SAGITTAL, UsageError),
        ({}, TUMOUR, "oblique", UsageError),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(image, change, point, through, error):
    with pytest.raises(error) as caught:
        ask(replace(image, **change), point, through)
    assert str(caught.value).endswith(".")


def test_odd_images_are_refused_and_never_crash(image):
    for voxels in (np.zeros((1, 4, 4)), np.full((4, 4, 4), np.nan), image.voxels[10:11]):
        for through in ("", CORONAL, EITHER):
            odd = Image(voxels.astype(np.float32), image.ijk_to_ras, PET, SUV_BW)
            with pytest.raises(LesionDetectionError):
                ask(odd, (4.0, 4.0, 0.0), through)
    with pytest.raises(InputError, match="no image"):
        lesion_at_focus(FocusRequest(PET, TUMOUR), {CT: image}, None, Progress())


def test_the_hottest_voxel_of_a_finding_without_outline_is_its_centre(image):
    assert hottest_ras_mm(image, Lesion(TUMOUR, 5.0, 1.0)) == TUMOUR
    mask = Mask(np.array([[[True, False]]]), (0, 0, 0))
    assert hottest_ras_mm(image, Lesion(TUMOUR, 5.0, 1.0, mask=mask)) == (0.0, 0.0, 0.0)


# The session


def test_the_finding_that_the_model_put_into_the_heart_jumps_to_the_tumour(session, click, found):
    result = found(HEART)
    was = session.findings.get("L1")
    click((TUMOUR[0], 0.0, TUMOUR[2]), CORONAL)
    (item,) = session.listed
    assert session.results is result
    assert item.lesion.center_ras_mm == pytest.approx(TUMOUR, abs=0.5)
    assert item.seed_ras_mm == pytest.approx(TUMOUR)
    kept = (item.id, item.lesion.score, item.lesion.model, item.lesion.meaning, item.lesion.method)
    assert kept == ("L1", 0.9, "m", NEOPLASM, pet_focus.METHOD)
    assert item.tracking_uid != was.tracking_uid, "it is another lesion"
    assert (item.origin, item.corrected, item.status, session.current) == (CLICKED, True, Status.NEW, "L1")
    assert session.message == "L1 lies here now; undo brings it back."
    session.set_threshold(0.99)
    assert len(session.listed) == 1, "no threshold hides what a person pointed at"
    session.set_threshold(0.0)
    assert list(result.nodes.segmentation.GetSegmentation().GetSegmentIDs()) == ["L1"]
    assert session.undo_text == "move L1"
    session.undo()
    (item,) = session.listed
    assert (item.lesion, item.origin, item.tracking_uid, session.undo_text) == (
        was.lesion,
        DETECTED,
        was.tracking_uid,
        "",
    )
    session.redo()
    assert places(session) == {"L1": pytest.approx(TUMOUR)}


def test_a_second_click_moves_it_on(session, click, found):
    found(HEART)
    for place in (TUMOUR, NODE):
        click(place)
    assert places(session) == {"L1": pytest.approx(NODE)}


def test_the_chosen_one_of_several_moves_and_without_a_choice_none_is_taken_away(session, click, found):
    found(HEART, NODE)
    click(TUMOUR)
    assert list(places(session)) == ["L3", "L1", "L2"]
    assert "to move a finding instead, choose it in the list" in session.message
    session.undo()
    session.select("L2")
    click(TUMOUR)
    assert places(session) == {"L1": pytest.approx(HEART, abs=0.5), "L2": pytest.approx(TUMOUR)}


@pytest.mark.parametrize("decide", ["accept", "reject"])
def test_what_a_person_decided_on_stays(session, click, found, decide):
    found(HEART)
    session.select("L1")
    getattr(session, decide)(["L1"])
    click(TUMOUR)
    assert session.findings.get("L1").lesion.center_ras_mm == pytest.approx(HEART, abs=0.5)
    assert session.findings.get("L2").lesion.center_ras_mm == pytest.approx(TUMOUR, abs=0.5)
    assert session.message == "L2 is new."


def test_a_click_on_another_finding_chooses_it_in_space_and_on_a_projection(session, engine, click, found):
    found(HEART, NODE)
    session.select("L1")
    assert click(NODE) is None
    assert (session.current, engine.jobs) == ("L2", [])
    session.select("L1")
    click((0.0, NODE[1], NODE[2]), SAGITTAL)
    assert (session.current, session.message) == ("L2", "L2 lies there already.")
    assert places(session)["L1"] == pytest.approx(HEART, abs=0.5)
    assert session.undo_text == ""


def test_adding_leaves_all_where_they_are(session, click, found):
    found(HEART)
    session.select("L1")
    click(TUMOUR, add=True)
    click(TUMOUR, add=True)
    assert list(places(session)) == ["L2", "L1"]
    assert session.current == "L2"


def test_a_click_into_its_own_outline_makes_it_anew(session, click, found):
    found(HEART)
    session.select("L1")
    was = session.findings.get("L1")
    click(HEART)
    assert session.undo_text == "move L1"
    (item,) = session.listed
    assert (item.id, item.tracking_uid, item.corrected) == ("L1", was.tracking_uid, True)


def test_without_a_result_there_is_a_new_one_that_can_be_undone(session, click):
    click(TUMOUR)
    (item,) = session.listed
    assert (item.origin, item.lesion.method, item.lesion.score) == (CLICKED, pet_focus.METHOD, 1.0)
    assert (session.results.title, session.message) == ("pet clicks", "L1 is new.")
    session.undo()
    assert session.listed == ()


def test_where_there_is_nothing_all_stays_and_the_sentence_is_told(session, engine, pet, found):
    found(HEART)
    session.focus(pet, (8.0, 8.0, 8.0))
    engine.failed("Nothing stands out at this point.")
    assert session.message == "Nothing stands out at this point."
    assert places(session)["L1"] == pytest.approx(HEART, abs=0.5)


def test_what_goes_meanwhile_is_no_harm(session, engine, scene, pet, found, foci):
    result = found(HEART)
    session.focus(pet, TUMOUR)
    session.delete(["L1"])
    engine.done(foci[TUMOUR])
    assert list(places(session)) == ["L2"]
    session.focus(pet, NODE)
    scene.RemoveNode(result.nodes.text)
    engine.done(foci[NODE])
    assert session.results is not result
    assert list(places(session)) == ["L1"]
    session.focus(pet, NODE, CORONAL)
    session.cancel()
    assert session.job.state == "cancelled"
    assert len(session.listed) == 1


def test_a_ct_has_no_uptake_and_a_pet_that_does_not_say_so_is_taken_for_one(session, engine, scene, image):
    with pytest.raises(ModalityError):
        session.focus(mrml.volume_node(scene, replace(image, modality=CT, unit=HU)), TUMOUR)
    assert engine.jobs == []
    session.focus(mrml.volume_node(scene, replace(image, modality="", unit="")), TUMOUR)
    assert engine.jobs[-1][1][PET].unit == SUV_BW
    with pytest.raises(UsageError, match="running already"):
        session.focus(mrml.volume_node(scene, image), TUMOUR)
