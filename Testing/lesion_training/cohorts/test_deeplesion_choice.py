"""A user's list of DeepLesion's images: which images and lesions it keeps, and what it refuses."""

from __future__ import annotations

import pytest
from deeplesion_set import a_row, a_set
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.deeplesion_choice import read_choice
from LesionTrainingLib.cohorts.spec import open_cohort

LIVER, LUNG, NOT_TOLD = 4, 5, -1
BOXES = ("6, 13, 26, 29", "1, 2, 8, 9", "20, 3, 30, 12")
"""Of an image's lesions, as the set's list has them."""


@pytest.fixture
def a_liver_set(tmp_path):
    """Images 2, 3: training, types not told, image 3 with three lesions. 4, 5, 6: test; liver, lung, and one of each."""
    told = [(4, LIVER, 0), (5, LUNG, 0), (6, LIVER, 0), (6, LUNG, 1)]
    rows = [a_row(2, Coarse_lesion_type=NOT_TOLD, Train_Val_Test=1)]
    rows += [a_row(3, Coarse_lesion_type=NOT_TOLD, Train_Val_Test=1, Bounding_boxes=box) for box in BOXES]
    rows += [a_row(n, Coarse_lesion_type=kind, Bounding_boxes=BOXES[box]) for n, kind, box in told]
    return a_set(tmp_path, rows)


def counts(folder, options, text=None, name="mine.txt"):
    """Image -> (lesions that count, excluded ones)."""
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    cohort = open_cohort(f"deeplesion:{folder}?{options}")
    found = {}
    for case in cohort.cases:
        truth = case.truth()
        found[int(case.id[-3:])] = (len(truth.lesions), len(truth.excluded))
    return found


def test_only_listed_images_are_kept_with_all_their_lesions(a_liver_set):
    listed = "# training images\n000001_01_01_002\n\n000001_01_01_3.png\n000001_01_01/006.png\n"
    assert counts(a_liver_set, "list=mine.txt", listed) == {2: (1, 0), 3: (3, 0), 6: (2, 0)}


def test_a_list_for_training_goes_together_with_types_for_the_rest(a_liver_set):
    listed = "000001_01_01_003\n000001_01_01_006"
    assert counts(a_liver_set, "types=4&list=mine.txt", listed) == {3: (3, 0), 4: (1, 0), 6: (1, 1)}
    cohort = open_cohort(f"deeplesion:{a_liver_set}?types=4&list=mine.txt")
    notes = " ".join(cohort.notes)
    assert "2 images are on the user's list mine.txt (1 training, 0 validation, 1 test). 1 more" in notes
    assert "no list was published" in notes


def test_listed_images_without_a_lesion_that_counts_are_told(a_liver_set):
    listed = "000001_01_01_002\n000001_01_01_005"
    assert counts(a_liver_set, "types=4&list=mine.txt", listed) == {2: (1, 0), 4: (1, 0), 6: (1, 1)}
    assert any(
        "1 listed images are not used" in note
        for note in open_cohort(f"deeplesion:{a_liver_set}?types=4&list=mine.txt").notes
    )


def test_a_table_names_lesions_by_number(a_liver_set):
    table = "image,lesion\n000001_01_01_003,3\n000001_01_01_003,1\n000001_01_01_002,\n"
    assert counts(a_liver_set, "list=mine.csv", table, "mine.csv") == {2: (1, 0), 3: (2, 1)}
    cohort = open_cohort(f"deeplesion:{a_liver_set}?list=mine.csv")
    case = next(case for case in cohort.cases if case.id.endswith("003"))
    boxes = [lesion.box for lesion in (*case.key.lesions, *case.others)]
    assert boxes == [tuple(float(n) - 1 for n in BOXES[at].split(",")) for at in (0, 2, 1)]


def test_rows_of_the_sets_own_list_are_a_list(a_liver_set):
    heading, *lines = (a_liver_set / "DL_info.csv").read_text().splitlines()
    assert counts(a_liver_set, "list=own.csv", "\n".join([heading, lines[2]]), "own.csv") == {3: (1, 2)}
    assert counts(a_liver_set, "types=4&list=own.csv", "\n".join([heading, lines[-1]]), "own.csv") == {
        4: (1, 0),
        6: (2, 0),
    }


def test_a_row_without_lesion_takes_the_whole_image(a_liver_set):
    table = "File_name;lesion\n000001_01_01_003.png;2\n000001_01_01_003.png;\n"
    assert counts(a_liver_set, "list=mine.csv", table, "mine.csv") == {3: (3, 0)}


def test_lesions_flagged_as_noisy_are_dropped_from_a_list_too(tmp_path):
    a_set(tmp_path, [a_row(4, Possibly_noisy=1), a_row(5)])
    listed = "000001_01_01_004\n000001_01_01_005"
    assert counts(tmp_path, "list=mine.txt", listed) == {5: (1, 0)}
    assert counts(tmp_path, "list=mine.txt&noisy=keep") == {4: (1, 0), 5: (1, 0)}


def test_the_list_may_lie_anywhere(a_liver_set, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far.txt").write_text("000001_01_01_002")
    assert set(counts(a_liver_set, f"list={elsewhere / 'far.txt'}")) == {2}
    monkeypatch.chdir(elsewhere)
    assert set(counts(a_liver_set, "list=far.txt")) == {2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing\n\n", "is empty"),
        ("File_name,lesion\n", "empty below its heading"),
        ("patient,lesion\n1,2\n", "no column File_name"),
        ("000001_01_01_002\nliver\n", "line 2: “liver” is no image"),
        ("000001_01_01_002,1\n", "no column File_name"),
        ("image,lesion\nliver,1\n", "“liver” under image is no image"),
        ("image,lesion\n000001_01_01_003,4\n", "line 2: 000001_01_01_003 has 3 lesions"),
        ("image,lesion\n000001_01_01_003,0\n", "no lesion 0"),
        ("image,lesion\n000001_01_01_003,first\n", "is no number"),
        ("image,lesion\n000001_01_01_003\n", "1 cells under 2 columns"),
        ('image,Bounding_boxes\n000001_01_01_003,"1, 1, 2, 2"\n', "no lesion with this box"),
        ('image,Bounding_boxes\n000001_01_01_003,"1, 1"\n', "is not 4 numbers"),
        ("000001_01_01_002\n000009_01_01_001\n000009_01_01_002\n", "2 of the 3 images .* are not in DL_info.csv: 000009_01_01_001, 000009"),
    ],
)  # fmt: skip
def test_lists_that_make_no_sense_are_refused(a_liver_set, text, words):
    with pytest.raises(InputError, match=words):
        counts(a_liver_set, "list=mine.txt", text)


def test_a_list_that_cannot_be_read(a_liver_set):
    with pytest.raises(InputError, match="cannot be read as text"):
        counts(a_liver_set, "list=none.txt")
    (a_liver_set / "picture.txt").write_bytes(b"\xff\xd8\xff\xe0\x80")
    with pytest.raises(InputError, match="cannot be read as text"):
        counts(a_liver_set, "list=picture.txt")


def test_an_image_that_is_damaged_in_the_sets_list_is_known_all_the_same(a_liver_set):
    with (a_liver_set / "DL_info.csv").open("a") as file:
        file.write("000001_01_01_009.png" + "," * 17 + "\n")
    cohort_of = counts(a_liver_set, "list=mine.txt", "000001_01_01_002\n000001_01_01_009")
    assert set(cohort_of) == {2}


def test_the_genuine_rows_as_a_list(real_data):
    """Each row names its own lesion."""
    choice = read_choice(real_data("deeplesion/DL_info_subset.csv"))
    assert len(choice.images) == 922
    assert sum(len(lesions) for lesions in choice.images.values()) == 939
