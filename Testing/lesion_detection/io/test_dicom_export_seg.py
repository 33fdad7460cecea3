"""Findings as DICOM segmentations: every voxel at its place, read back by other readers, on whatever series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from LesionDetectionLib.app.dicom_export import SEG, export_dicom
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled, GeometryError, InputError
from LesionDetectionLib.core.finding import CLICKED, DRAWN, MERGED, Finding, Findings, Status
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import LESION, MASS, NODULE, Code, Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.dicom_placing import grid_map
from LesionDetectionLib.io.display import lesion_color
from LesionDetectionLib.io.files import read_image
from LesionTrainingLib.cohorts.dicom.label_rules import WHOLES, LabelRules
from LesionTrainingLib.cohorts.dicom.segmentation_labels import read_segmentation
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from skimage.color import lab2rgb

EVEN = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5)
OBLIQUE = (0.9, 0.3, 0.3162277660168379, -0.35, 0.9367496997597597, 0.0)
FRAME = "1.2.826.0.1.11.9"


def orthogonal(orientation):
    row = np.array(orientation[:3]) / np.linalg.norm(orientation[:3])
    column = np.array(orientation[3:]) - np.dot(orientation[3:], row) * row
    return (*row, *(column / np.linalg.norm(column)))


def random_mask(geometry, seed, share=0.3):
    """Voxels strewn over a box inside the image, so that any shift, flip or lost bit shows."""
    random = np.random.default_rng(seed)
    size = np.clip(np.array(geometry.shape_kji) // 2, 1, 20)
    start = random.integers(0, np.array(geometry.shape_kji) - size + 1)
    voxels = random.random(size) < share
    voxels.flat[0] = True
    k, j, i = (int(n) for n in start)
    return Mask(voxels, (i, j, k))


def findings_on(geometry, count=3, modality="CT", unit="HU", **facts):
    """``count`` findings with strewn masks that overlap each other, in falling score."""
    lesions = []
    for n in range(count):
        mask = random_mask(geometry, n)
        lesions.append(
            Lesion(mask.centroid_ras_mm(geometry), 8.0, 0.9 - 0.1 * n / count, mask=mask, meaning=NODULE, **facts)
        )
    return Findings.of(Detections(tuple(lesions), geometry, "made-up", modality=modality, unit=unit))


def voxels_on(mask, source, target):
    """The mask's voxels as a whole array on ``target``, found by their places in mm alone."""
    full = np.zeros(target.shape_kji, dtype=bool)
    own = np.argwhere(mask.voxels)[:, ::-1] + np.array(mask.start_ijk)
    ijk = np.rint(target.ijk_from_ras(source.ras_from_ijk(own))).astype(int)
    full[tuple(ijk.T[::-1])] = True
    return full


def by_highdicom(seg, geometry):
    """The segments, [n, k, j, i], as highdicom puts them into one volume, brought onto the grid by their mm."""
    volume = segread(seg).get_volume(combine_segments=False)
    kjin = np.argwhere(volume.array)
    lps = kjin[:, :3] @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    ijk = geometry.ijk_from_ras(lps * (-1, -1, 1))
    assert np.abs(ijk - np.rint(ijk)).max() < 0.05
    found = np.zeros((volume.array.shape[3], *geometry.shape_kji), dtype=bool)
    found[(kjin[:, 3], *np.rint(ijk).astype(int).T[::-1])] = True
    return found


def check_voxels(seg, findings, geometry):
    """Each segment has its finding's voxels: by pydicom frame by frame in mm, and by our reader of cohorts."""
    dataset = dcmread(seg)
    assert dataset.FrameOfReferenceUID == FRAME
    pixels = pixel_array(dataset).reshape(-1, dataset.Rows, dataset.Columns)
    assert pixels.any(axis=(1, 2)).all()
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    spacing = [float(mm) for mm in measures.PixelSpacing]
    assert float(measures.SpacingBetweenSlices) == pytest.approx(geometry.spacing_mm[2])
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    row, column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
    found = {item.SegmentNumber: np.zeros(geometry.shape_kji, dtype=bool) for item in dataset.SegmentSequence}
    for frame, group in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        j, i = np.nonzero(frame)
        start = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        lps = start + i[:, None] * spacing[1] * row + j[:, None] * spacing[0] * column
        ijk = geometry.ijk_from_ras(lps * (-1, -1, 1))
        # a slice's own place may be off the even grid by the tolerance that reading has
        assert np.abs(ijk - np.rint(ijk))[:, :2].max() < 0.05
        assert np.abs(ijk - np.rint(ijk)).max() < 0.15
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found[number][tuple(np.rint(ijk).astype(int).T[::-1])] = True
    outlined = [item for item in findings.reported if item.lesion.mask is not None]
    labels = read_segmentation(seg, geometry, FRAME, LabelRules(one_lesion=WHOLES))
    assert len(outlined) == len(found) == len(labels.lesions)
    for number, item in enumerate(outlined, 1):
        expected = voxels_on(item.lesion.mask, findings.run.geometry, geometry)
        assert np.array_equal(found[number], expected)
        assert np.array_equal(labels.lesions[number - 1].mask.full(geometry.shape_kji), expected)
        assert labels.lesions[number - 1].meaning == item.lesion.meaning
    return dataset


@pytest.mark.parametrize(
    "series",
    [
        {"distances": EVEN},
        {"distances": EVEN, "orientation": OBLIQUE},
        {"distances": EVEN, "orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)},
        {"distances": (0.0, 2.54, 5.0, 7.46, 10.0, 12.5)},
        {"distances": (3.0,)},
    ],
    ids=["axial", "oblique", "sagittal", "jittered", "one slice"],
)
def test_voxels_land_on_the_source_slices(dicom, tmp_path, series):
    series = {**series, "orientation": orthogonal(series.get("orientation", (1, 0, 0, 0, 1, 0)))}
    files = dicom.series(**series)
    image = read_image(dicom.folder)
    findings = findings_on(image.geometry)
    dataset = check_voxels(export_dicom(tmp_path / "out", files, findings).seg, findings, image.geometry)
    if series["distances"] == EVEN:
        for found, item in zip(by_highdicom(tmp_path / "out" / SEG, image.geometry), findings.reported, strict=True):
            assert np.array_equal(found, item.lesion.mask.full(image.shape_kji))
    by_uid = {dcmread(path).SOPInstanceUID: dcmread(path) for path in files}
    for group in dataset.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        position = by_uid[source.ReferencedSOPInstanceUID].ImagePositionPatient
        assert np.allclose(group.PlanePositionSequence[0].ImagePositionPatient, position, atol=1e-5)
        assert source.SpatialLocationsPreserved == "YES"
    (reference,) = dataset.ReferencedSeriesSequence
    assert {item.ReferencedSOPInstanceUID for item in reference.ReferencedInstanceSequence} == set(by_uid)


def test_an_enhanced_file_is_referred_to_by_frame(dicom, tmp_path):
    path = dicom.enhanced(EVEN)
    image = read_image(path)
    findings = findings_on(image.geometry)
    dataset = check_voxels(export_dicom(tmp_path / "out", [path], findings).seg, findings, image.geometry)
    frames = dcmread(path).PerFrameFunctionalGroupsSequence
    for group in dataset.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        there = frames[source.ReferencedFrameNumber - 1].PlanePositionSequence[0].ImagePositionPatient
        assert np.allclose(group.PlanePositionSequence[0].ImagePositionPatient, there, atol=1e-5)


def test_an_interpolated_slice_has_its_own_place_and_claims_no_source(dicom, tmp_path):
    distances = [n * 2.5 for n in range(24) if n != 11]
    files = dicom.series(distances)
    image = read_image(dicom.folder)
    assert image.shape_kji[0] == 24
    findings = findings_on(image.geometry)
    dataset = check_voxels(export_dicom(tmp_path / "out", files, findings).seg, findings, image.geometry)
    z = [float(g.PlanePositionSequence[0].ImagePositionPatient[2]) for g in dataset.PerFrameFunctionalGroupsSequence]
    alone = {z[n] for n, g in enumerate(dataset.PerFrameFunctionalGroupsSequence) if not g.DerivationImageSequence}
    assert alone == {100.0 + 11 * 2.5}


def test_uneven_slices_are_placed_on_the_even_grid(dicom, tmp_path):
    files = dicom.series((0.0, 2.5, 5.0, 8.4, 10.9, 13.4, 15.9))
    image = read_image(dicom.folder)
    assert "unevenly spaced" in image.notes[0]
    findings = findings_on(image.geometry, count=6)
    dataset = check_voxels(export_dicom(tmp_path / "out", files, findings).seg, findings, image.geometry)
    sure = {len(group.DerivationImageSequence) for group in dataset.PerFrameFunctionalGroupsSequence}
    assert sure == {0, 1}


def test_a_tilted_gantry_is_placed_on_the_straightened_grid(dicom, tmp_path):
    files = dicom.series([n * 2.5 for n in range(8)], slide=(0.0, 0.2, 0.0))
    image = read_image(dicom.folder)
    assert "straightened" in image.notes[0]
    everywhere = Mask(np.random.default_rng(0).random(image.shape_kji) < 0.3, (0, 0, 0))
    findings, _ = findings_on(image.geometry).adding(Lesion((0.0, 0.0, 0.0), 8.0, 0.1, mask=everywhere))
    dataset = check_voxels(export_dicom(tmp_path / "out", files, findings).seg, findings, image.geometry)
    assert (dataset.Rows, dataset.Columns) == image.shape_kji[1:] != (7, 9)
    assert not any(group.DerivationImageSequence for group in dataset.PerFrameFunctionalGroupsSequence)


def test_a_scan_that_came_back_turned_or_cropped_is_the_same_scan(dicom, tmp_path):
    """Another program may store the slices the other way round and the axes in another order, or cut the scan."""
    files = dicom.series(EVEN)
    image = read_image(dicom.folder)
    turned = np.array(image.ijk_to_ras)[:, [2, 0, 1, 3]]
    turned[:3, 3] = image.geometry.ras_from_ijk((0, 6, 7))
    turned[:3, 0] *= -1  # the new i runs down the slices, the new k up the rows
    turned[:3, 2] *= -1
    nk, nj, ni = image.shape_kji
    for geometry in (Geometry((nj, ni, nk), turned), image.geometry.crop((2, 1, 3), (5, 4, 4))):
        findings = findings_on(geometry)
        export = export_dicom(tmp_path / "out", files, findings, overwrite=True)
        check_voxels(export.seg, findings, image.geometry)


def test_another_grid_is_refused_in_millimetres(dicom, tmp_path):
    files = dicom.series(EVEN)
    geometry = read_image(dicom.folder).geometry
    moved, thicker = np.array(geometry.ijk_to_ras), np.array(geometry.ijk_to_ras)
    moved[0, 3] += 0.2
    thicker[:3, 2] *= 1.01
    for matrix, why in ((moved, r"up to 0\.20 mm apart"), (thicker, r"up to 0\.1\d mm apart")):
        with pytest.raises(GeometryError, match=why):
            export_dicom(tmp_path / "out", files, findings_on(Geometry(geometry.shape_kji, matrix)))
    with pytest.raises(GeometryError, match=r"reaches 2\.5 mm beyond"):
        export_dicom(tmp_path / "out", files[:-1], findings_on(geometry))
    doubled = np.array(geometry.ijk_to_ras) @ np.diag([2, 1, 1, 1.0])
    with pytest.raises(GeometryError, match="voxel size or direction"):
        export_dicom(tmp_path / "out", files, findings_on(Geometry(geometry.shape_kji, doubled)))
    assert not (tmp_path / "out").exists()


def test_the_map_of_a_grid_to_itself_changes_nothing(dicom):
    dicom.series(EVEN)
    geometry = read_image(dicom.folder).geometry
    found = grid_map(geometry, geometry)
    assert np.array_equal(found.turn, np.eye(3))
    assert not found.offset.any()


def test_overlapping_segments_keep_their_voxels_and_are_said_to_overlap(dicom, tmp_path):
    files = dicom.series(EVEN)
    geometry = read_image(dicom.folder).geometry
    findings = findings_on(geometry, count=4)
    dataset = check_voxels(export_dicom(tmp_path / "a", files, findings).seg, findings, geometry)
    assert dataset.SegmentsOverlap == "YES"
    single = replace(findings, items=findings.items[:1])
    assert check_voxels(export_dicom(tmp_path / "b", files, single).seg, single, geometry).SegmentsOverlap == "NO"


def test_a_segment_says_what_it_is_and_who_made_it(dicom, tmp_path):
    files = dicom.series(EVEN)
    geometry = read_image(dicom.folder).geometry

    def lesion(seed, **facts):
        mask = random_mask(geometry, seed)
        return Lesion(mask.centroid_ras_mm(geometry), 8.0, 0.9 - seed / 10, mask=mask, **facts)

    node = Code("59441001", "SCT", "Lymph node")
    items = (
        Finding("L1", lesion(0, meaning=NODULE, method="nodule-ct", model="m", note="Größer als früher")),
        Finding("L2", lesion(1, meaning=NODULE, method="click"), origin=CLICKED),
        Finding("L3", lesion(2, meaning=NODULE, method="click"), origin=CLICKED, corrected=True),
        Finding("L4", lesion(3, meaning=node, method="drawn"), origin=DRAWN, corrected=True),
        Finding("L5", lesion(4, meaning=MASS, method="nodule-ct", model="m"), corrected=True),
        Finding("L7", lesion(5, meaning=LESION, method="nodule-ct", model="m"), origin=MERGED, corrected=True),
    )
    run = Detections(
        (),
        geometry,
        "nodule-ct",
        modality="CT",
        unit="HU",
        provenance={"software": "S 1.2", "model": {"name": "m", "version": "3", "sha256": "abc"}},
        warnings=("The model “m” was trained on computer-made phantoms only: its results show how it works.",),
    )
    dataset = dcmread(export_dicom(tmp_path / "out", files, Findings(run, items), observer="Müller^Jörg").seg)
    assert dataset.SeriesDescription == "Lesions (research use; model trained on phantoms)"
    assert dataset.ContentCreatorName == "Müller^Jörg"
    assert [item.SegmentAlgorithmType for item in dataset.SegmentSequence] == [
        *("AUTOMATIC", "SEMIAUTOMATIC", "SEMIAUTOMATIC"),
        *("MANUAL", "SEMIAUTOMATIC", "SEMIAUTOMATIC"),
    ]
    for segment, item in zip(dataset.SegmentSequence, items, strict=True):
        assert (segment.TrackingID, segment.TrackingUID) == (item.id, item.tracking_uid)
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == item.lesion.meaning.value
        scaled = np.array(segment.RecommendedDisplayCIELabValue) / 65535  # PS3.3 C.10.7.1.1
        lab = scaled * (100, 255, 255) - (0, 128, 128)
        assert np.allclose(lab2rgb(lab), lesion_color(item.number), atol=0.01)
    first, second, third, fourth, *_ = dataset.SegmentSequence
    assert first.SegmentLabel == "L1 0.90 8 mm"
    assert first.SegmentDescription == "Größer als früher"
    assert first.AnatomicRegionSequence[0].CodeMeaning == "Lung"
    assert "AnatomicRegionSequence" in second
    assert "AnatomicRegionSequence" not in third  # a person may have relabelled it: a nodule of the thyroid?
    algorithm = first.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("nodule-ct", "S 1.2")
    assert "model: m; model version: 3; model sha256: abc; trained on computer-made" in algorithm.AlgorithmParameters
    assert second.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "click"
    assert "SegmentationAlgorithmIdentificationSequence" not in fourth
    assert fourth.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Tissue"


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_patient_and_study_are_those_of_the_series_and_nothing_else(dicom, tmp_path):
    """Names in another character set, a date that is none, and what de-identification left out."""
    changes = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Änne", "PatientBirthDate": "unknown"}
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", "Schädel"
    more = {"StudyDescription": "Größe", "StudyID": "7", "PatientAge": "055Y", "PatientSex": "female"}
    files = dicom.series(EVEN, **changes, **more, ProcedureCodeSequence=[[code]] * len(EVEN))
    findings = findings_on(read_image(dicom.folder).geometry)
    export = export_dicom(tmp_path / "out", files, findings)
    for path in (export.seg, export.sr):
        dataset = dcmread(path)
        assert dataset.PatientName == "Müller^Änne"
        assert (dataset.PatientBirthDate, dataset.PatientSex, dataset.AccessionNumber) == ("", "", "")
        assert (dataset.StudyDescription, dataset.StudyID, dataset.PatientAge) == ("Größe", "7", "055Y")
        assert dataset.ProcedureCodeSequence[0].CodeMeaning == "Schädel"
        assert dataset.StudyInstanceUID == "1.2.826.0.1.11"
        assert dataset.SeriesInstanceUID != dcmread(files[0]).SeriesInstanceUID
        assert dataset.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.filterwarnings("ignore:Invalid value", "ignore:.*PN component")
def test_what_the_libraries_remark_of_a_name_reaches_no_log(dicom, tmp_path, caplog, capsys):
    odd = {"PatientName": "Doe Jane " * 12, "PatientBirthDate": "DoeJane", "PatientID": "Doe\\Jane"}
    files = dicom.series(EVEN, **odd)
    findings = findings_on(read_image(dicom.folder).geometry)
    caplog.clear()
    caplog.set_level("DEBUG")
    export_dicom(tmp_path / "out", files, findings, observer="Doe")
    assert not [record for record in caplog.records if record.name.startswith(("pydicom", "highdicom"))]
    assert "Doe" not in caplog.text
    assert "Doe" not in "".join(capsys.readouterr())


def test_accepted_findings_alone_are_exported_where_there_are_any(dicom, tmp_path):
    files = dicom.series(EVEN)
    findings = findings_on(read_image(dicom.folder).geometry, count=4)

    def labels(state):
        dataset = dcmread(export_dicom(tmp_path / "out", files, state, overwrite=True).seg)
        return [segment.TrackingID for segment in dataset.SegmentSequence]

    rejected = findings.changing(["L2"], lambda item: replace(item, status=Status.REJECTED))
    assert labels(rejected) == ["L1", "L3", "L4"]
    assert labels(rejected.changing(["L3"], lambda item: replace(item, status=Status.ACCEPTED))) == ["L3"]


def test_sources_that_are_not_one_whole_series_are_refused(dicom, tmp_path):
    files = dicom.series(EVEN)
    findings = findings_on(read_image(dicom.folder).geometry)
    others = dicom.series(EVEN, prefix="other", SeriesInstanceUID="1.2.826.0.1.11.6001")

    def refused(sources, error, match):
        with pytest.raises(error, match=match) as caught:
            export_dicom(tmp_path / "out", sources, findings)
        assert not (tmp_path / "out").exists()
        assert "Doe" not in str(caught.value)

    refused([*files, *others], InputError, "2 series or phases")
    refused([*files[:-1], tmp_path / "Doe^Jane.dcm"], InputError, "1 of 8 files are missing")
    refused([], InputError, "not known")
    (tmp_path / "text.dcm").write_text("no DICOM")
    refused([tmp_path / "text.dcm"], InputError, "no image")
    nowhere = dicom.series(EVEN, prefix="nowhere", SeriesInstanceUID="1.2.826.0.1.11.7001", FrameOfReferenceUID=None)
    refused(nowhere, GeometryError, "no frame of reference")


def test_compressed_sources_are_read(dicom, tmp_path):
    from pydicom.uid import RLELossless

    files = dicom.series(EVEN)
    for path in files:
        dataset = dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
    image = read_image(dicom.folder)
    findings = findings_on(image.geometry)
    check_voxels(export_dicom(tmp_path / "out", files, findings).seg, findings, image.geometry)


@pytest.mark.slow
def test_more_than_a_hundred_findings(dicom, tmp_path):
    files = dicom.series(EVEN)
    geometry = read_image(dicom.folder).geometry
    findings = findings_on(geometry, count=110)
    export = export_dicom(tmp_path / "out", files, findings, with_report=False)
    for found, item in zip(by_highdicom(export.seg, geometry), findings.reported, strict=True):
        assert np.array_equal(found, item.lesion.mask.full(geometry.shape_kji))


def test_it_can_be_cancelled_and_leaves_nothing(dicom, tmp_path):
    files = dicom.series(EVEN)
    findings = findings_on(read_image(dicom.folder).geometry)

    def stop(_fraction, text):
        if text.startswith("Writing"):
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        export_dicom(tmp_path / "out", files, findings, progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["series"]


@pytest.mark.parametrize("name", ["crlm-ct-1004/image", "sts-001/FDG_PET/image"])
def test_real_series(real_data, tmp_path, name):
    folder = real_data(name)
    image = read_image(folder)
    findings = findings_on(image.geometry, modality=image.modality, unit=image.unit)
    files = [path for path in sorted(Path(folder).rglob("*"), reverse=True) if path.is_file()]
    export = export_dicom(tmp_path / "out", files, findings, with_report=False)
    frame = dcmread(export.seg).FrameOfReferenceUID
    assert frame == dcmread(files[0]).FrameOfReferenceUID
    labels = read_segmentation(export.seg, image.geometry, frame, LabelRules(one_lesion=WHOLES))
    for item, lesion in zip(findings.reported, labels.lesions, strict=True):
        assert np.array_equal(lesion.mask.full(image.shape_kji), item.lesion.mask.full(image.shape_kji))
