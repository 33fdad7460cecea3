"""Tables of scans with points or boxes, as people and their spreadsheets write them."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

pytestmark = pytest.mark.usefixtures("phantoms_kept")

MATRIX = np.diag([-1.0, -1.0, 2.0, 1.0])
SHAPE = (6, 20, 24)
POINTS, BOXES = "image,x,y,z,diameter_mm", "image,x1,y1,z1,x2,y2,z2"


@pytest.fixture
def table(tmp_path):
    """Scans a, b, sub/a and a mask; called with the table's lines it writes them and gives the path."""
    voxels = np.linspace(-1000, 1000, int(np.prod(SHAPE)), dtype=np.float32).reshape(SHAPE)
    (tmp_path / "sub").mkdir()
    for name in ("a.nrrd", "b.nii.gz", "sub/a.nrrd"):
        write_image(Image(voxels, MATRIX), tmp_path / name)
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 3:5, 4:6] = 1
    write_image(Image(labels, MATRIX), tmp_path / "m.nrrd")

    def write(*lines, encoding="utf-8", end="\n"):
        path = tmp_path / "cases.csv"
        path.write_bytes(end.join([*lines, ""]).encode(encoding))
        return path

    return write


def opened(path, options=""):
    return open_cohort(f"table:{path}{options}")


def reasons(cohort):
    return {left.case: left.reason for left in cohort.left_out}


def test_points(table):
    cohort = opened(table(POINTS, "a.nrrd,-3,-4,5,6", "b.nii.gz,,,,", "a.nrrd,-1,-2,3,"))
    a, b = cohort.cases
    assert (a.id, a.patient, a.split, a.modalities, a.labelled) == ("a", "a", "", (CT,), True)
    truth = a.truth()
    assert [lesion.center_ras_mm for lesion in truth.lesions] == [(-3, -4, 5), (-1, -2, 3)]
    assert [lesion.diameter_mm for lesion in truth.lesions] == [6, 0]
    assert [lesion.note for lesion in truth.lesions] == ["", "Its diameter is not known."]
    assert truth.notes == ()
    assert b.labelled
    assert b.truth().lesions == ()
    assert b.images()[CT].unit == HU


def test_positions_in_lps(table):
    (case,) = opened(table(POINTS, "a.nrrd,3,4,5,6"), "?frame=LPS").cases
    assert case.truth().lesions[0].center_ras_mm == (-3, -4, 5)
    (case,) = opened(table(POINTS, "a.nrrd,3,4,5,6")).cases
    assert "1. Is the frame (RAS, LPS) right?" in case.truth().notes[0]


def test_boxes_with_corners_in_any_order(table):
    (case,) = opened(table(BOXES, "a.nrrd,1,2,3,4,8,5"), "?frame=LPS").cases
    (lesion,) = case.truth().lesions
    assert lesion.box_ras_mm == ((-4, -8, 3), (-1, -2, 5))
    assert lesion.center_ras_mm == (-2.5, -5, 4)
    assert lesion.diameter_mm == 6


def test_everything_else_that_a_row_may_say(table):
    path = table(
        "id,image,patient,split,modality,mask,note", "one,a.nrrd,p,Train,PET,m.nrrd,x", ",sub/a.nrrd,,test,,,y"
    )
    one, other = opened(path).cases
    assert (one.id, one.patient, one.split, one.modalities) == ("one", "p", "training", (PET,))
    assert one.images()[PET].unit == SUV_BW
    (lesion,) = one.truth().lesions
    assert lesion.mask.count == 4
    assert [path.name for path in one.sources()] == ["a.nrrd", "m.nrrd"]
    assert (other.id, other.patient, other.split) == ("sub_a", "sub_a", "test")
    assert [case.id for case in opened(path, "?split=test").cases] == ["sub_a"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_spreadsheets(table, encoding):
    lines = ["Image;X;Y;Z;Diameter_mm", '"a.nrrd";-3,5;-4;"5";6,25', ";;;;", "b.nii.gz;;;;"]
    cohort = opened(table(*lines, encoding=encoding, end="\r\n"))
    (lesion,) = cohort.cases[0].truth().lesions
    assert (lesion.center_ras_mm, lesion.diameter_mm) == ((-3.5, -4, 5), 6.25)
    assert [case.id for case in cohort.cases] == ["a", "b"]
    assert not cohort.left_out


def test_the_line_in_which_excel_names_the_separator(table):
    cohort = opened(table("sep=;", "image;x;y;z", "a.nrrd;1,5;2;3", "b.nii.gz;1;x;3"))
    assert cohort.cases[0].truth().lesions[0].center_ras_mm == (1.5, 2, 3)
    assert "line 4" in reasons(cohort)["b"]


def test_one_scan_under_two_names_is_used_once(table):
    cohort = opened(table("id,image", "x,a.nrrd", "y,sub/../a.nrrd"))
    assert [case.id for case in cohort.cases] == ["x"]
    (reason,) = reasons(cohort).values()
    assert "its image is that of line 2 too" in reason


def test_names_that_may_be_of_one_patient(table, tmp_path):
    for name in ("p1_early.nrrd", "p1_late.nrrd", "p2_early.nrrd"):
        (tmp_path / name).write_bytes((tmp_path / "a.nrrd").read_bytes())
    lines = "image,patient", "p1_early.nrrd,", "p1_late.nrrd,", "p2_early.nrrd,"
    (note,) = opened(table(*lines)).notes
    assert "“p1_early” and “p1_late” too" in note
    assert "a column “patient”" in note
    assert opened(table(lines[0], *(f"{line}{line[:2]}" for line in lines[1:]))).notes == ()


def test_tabs_and_blanks(table):
    (case,) = opened(table(POINTS.replace(",", "\t"), "\t".join([" a.nrrd ", "-1", "-2", "3", ""]))).cases
    assert case.truth().lesions[0].center_ras_mm == (-1, -2, 3)


def test_an_absolute_path_and_a_folder_of_dicom(table, tmp_path):
    write_phantoms("chest", 2, 1, "dicom", tmp_path / "dicom", settings=TINY)
    (series,) = [path for path in (tmp_path / "dicom").iterdir() if path.is_dir()]
    cohort = opened(table(POINTS, f"{tmp_path / 'a.nrrd'},,,,", f"dicom/{series.name},0,0,0,5"))
    assert cohort.cases[1].images()[CT].modality == CT
    assert cohort.cases[1].id == series.name
    assert cohort.cases[1].truth().lesions[0].diameter_mm == 5
    assert cohort.cases[0].image == tmp_path / "a.nrrd"
    (case,) = opened(table("image,modality", f"dicom/{series.name},PT")).cases
    with pytest.raises(ModalityError, match="says that it is of modality CT"):
        case.images()


@pytest.mark.parametrize(
    ("heading", "row", "sentence"),
    [
        (POINTS, "none.nrrd,1,2,3,4", "there is no image"),
        (POINTS, "a.nrrd,1,2,x,4", "“x” under z is no number"),
        (POINTS, "a.nrrd,1,2,,4", "z is missing"),
        (POINTS, "a.nrrd,1,2,inf,4", "no finite number"),
        (POINTS, "a.nrrd,1,2,3,0", "a diameter of 0 mm"),
        (POINTS, "a.nrrd,1,2,3,-4", "a diameter of -4 mm"),
        (POINTS, "a.nrrd,,,,4", "a diameter and no place"),
        (POINTS, "a.nrrd,1,2,3", "4 cells under 5 columns"),
        (POINTS, ",1,2,3,4", "the image is missing"),
        (BOXES, "a.nrrd,1,2,3,1,8,5", "no size along one axis"),
        (BOXES, "a.nrrd,1,2,3,,,", "x2 is missing"),
        (f"{POINTS},x1,y1,z1,x2,y2,z2", "a.nrrd,1,2,3,4,1,2,3,4,5,6", "both a point and a box"),
        ("image,split", "a.nrrd,mine", "“mine” under split is none of"),
        ("image,modality", "a.nrrd,US", "“US” under modality is none of"),
        ("image,mask", "a.nrrd,no.nrrd", "there is no mask"),
    ],
)
def test_a_row_that_makes_no_sense_leaves_its_scan_out(table, heading, row, sentence):
    empty = "," * heading.count(",")
    cohort = opened(table(heading, f"b.nii.gz{empty}", row))
    assert [case.id for case in cohort.cases] == ["b"]
    reason = " ".join(left.reason for left in cohort.left_out)
    assert sentence in reason
    assert "cases.csv, line 3" in reason


def test_a_scan_with_one_bad_row_is_not_used_at_all(table):
    cohort = opened(table(POINTS, "b.nii.gz,,,,", "a.nrrd,-1,-2,3,4", "a.nrrd,-1,-2,3", "sub/a.nrrd,-1,x,3,4"))
    assert [case.id for case in cohort.cases] == ["b"]
    assert "line 4" in reasons(cohort)["a.nrrd"]
    assert "line 5" in reasons(cohort)["sub_a"]


def test_rows_that_contradict_each_other_and_names_that_are_taken(table):
    cohort = opened(table("id,image,patient", "x,a.nrrd,p", ",a.nrrd,q", "y,b.nii.gz,", "y,sub/a.nrrd,"))
    assert [(case.id, case.patient) for case in cohort.cases] == [("y", "y")]
    told = list(reasons(cohort).values())
    assert "(lines 2, 3) differ in patient: p and q" in told[0]
    assert "the id “y” is that of the image in line 4 too" in told[1]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "is empty"),
        (["file,x"], "has no column image"),
        (["image,x,y", "a.nrrd,1,2"], "needs all of x, y, z or none"),
        (["image,x1,y1", "a.nrrd,1,2"], "needs all of x1"),
        (["image,x,x", "a.nrrd,1,2"], "has the column x twice"),
        (["image"], "No case"),
    ],
)
def test_tables_that_cannot_be_used(table, lines, sentence):
    with pytest.raises(InputError, match=sentence):
        opened(table(*lines))


def test_files_that_are_no_tables(table, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        opened(tmp_path / "none.csv")
    with pytest.raises(InputError, match="binary data"):
        opened(table("image,\0"))
    with pytest.raises(InputError, match="UTF-8"):
        opened(table("image,\xff", encoding="latin-1"))


def test_options_that_make_no_sense(table):
    path = table(POINTS, "a.nrrd,,,,")
    for options, sentence in (
        ("frame=XYZ", "frame is RAS or LPS"),
        ("modality=US", "modality is one of"),
        ("lesions=x", "one of"),
    ):
        with pytest.raises(UsageError, match=sentence):
            opened(path, f"?{options}")


def test_a_label_of_the_whole_scan(table, tmp_path):
    heading = "image,label,x,y,z,mask"
    table(heading, "a.nrrd,lung,-4,-3,4,m.nrrd", "a.nrrd,,-20,-3,4,", "b.nii.gz,none,,,,")
    a, b = open_cohort(f"table:{tmp_path}").cases  # the folder, in place of its cases.csv
    assert (a.truth().label, b.truth().label) == ("lung", "none")
    assert b.truth().lesions == ()
    other, own = a.truth().lesions
    assert other.mask is None
    assert own.mask is not None
    assert own.center_ras_mm == (-4, -3, 4)  # the point, in place of the mask's centroid
    assert opened(table("image", "a.nrrd")).cases[0].truth().label == ""


def test_a_second_point_in_one_mask_adds_nothing(table):
    cohort = opened(table("image,x,y,z,mask", "a.nrrd,-4,-3,4,m.nrrd", "a.nrrd,-5,-3,4,m.nrrd"))
    (lesion,) = cohort.cases[0].truth().lesions
    assert lesion.center_ras_mm == (-4, -3, 4)


def test_scans_with_masks_are_no_phantoms(table):
    cohort = opened(table("image,mask", "a.nrrd,m.nrrd"))
    assert not cohort.on_phantoms
    assert cohort.title == "scans of cases.csv"


def test_labels_that_contradict_each_other(table):
    cohort = opened(table("image,label", "a.nrrd,lung", "a.nrrd,oesophagus", "b.nii.gz,lung"))
    assert "differ in label: lung and oesophagus" in reasons(cohort)["a"]
    assert len(cohort.cases) == 1
