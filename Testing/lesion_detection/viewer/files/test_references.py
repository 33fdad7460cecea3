"""What a scene, or a header, may name: files of its own folder, and nothing else."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.viewer.files.references import check_header, check_scene

from .scene_files import MRML, STORAGE, naming


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "scene").mkdir()
    (tmp_path / "outside.nrrd").write_bytes(b"secret")
    return tmp_path / "scene" / "x.mrml"


@pytest.mark.parametrize("name", ["Data/scan.nrrd", "scan%201.nii.gz", "Data/lesions.seg.nrrd", "", "a..b.nrrd"])
def test_its_own_files_may_be_named(scene, name):
    scene.write_text(naming("fileName", name))
    check_scene(scene)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "/etc/passwd.nrrd",
        "../outside.nrrd",
        "Data/../../outside.nrrd",
        "..%2Foutside.nrrd",
        "%2e%2e/outside.nrrd",
        "C:/scan.nrrd",
        "\\\\server\\share\\scan.nrrd",
        "//server/share/scan.nrrd",
        "file:///etc/passwd",
        "http://example.org/scan.nrrd",
        "HTTPS://example.org/scan.nrrd",
        "~/scan.nrrd",
        "slicer://x.nrrd",
        "Data/scan.exe",
        "Data/nested.mrb",
        "passwd",
    ],
)
@pytest.mark.parametrize("attribute", ["fileName", "fileListMember0", "uri", "FILENAME", "uriListMember12"])
def test_nothing_else_may_be_named(scene, attribute, name):
    scene.write_text(naming(attribute, name))
    with pytest.raises(InputError, match="names a file") as refused:
        check_scene(scene)
    assert "passwd" not in str(refused.value).replace("…", "") or name == "passwd"


def test_other_words_of_a_scene_are_no_names(scene):
    switches = 'UseOrientationFromFile="1" defaultWriteFileExtension="seg.nrrd" references="a:b;" fileName="a.nrrd"'
    scene.write_text(MRML.format(STORAGE.format(switches)))
    check_scene(scene)


def test_an_unknown_word_of_a_storage_may_not_lead_out_either(scene):
    scene.write_text(MRML.format(STORAGE.format('somethingNew="http://example.org/x"')))
    with pytest.raises(InputError, match="not in its own folder"):
        check_scene(scene)


def test_within_other_elements_too(scene):
    inner = STORAGE.format('fileName="/etc/passwd.nrrd"')
    scene.write_text(MRML.format(f'<SceneView id="vtkMRMLSceneViewNode1">{inner}</SceneView>'))
    with pytest.raises(InputError, match="not in its own folder"):
        check_scene(scene)


def test_a_link_that_leads_out_is_found(scene):
    (scene.parent / "scan.nrrd").symlink_to(scene.parent.parent / "outside.nrrd")
    scene.write_text(naming("fileName", "scan.nrrd"))
    with pytest.raises(InputError, match="not in its own folder"):
        check_scene(scene)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><MRML>&a;</MRML>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><MRML x="&b;"/>',
        '<!DOCTYPE MRML SYSTEM "http://example.org/x.dtd"><MRML/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_resolved(scene, text, encoding):
    scene.write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="document type"):
        check_scene(scene)


@pytest.mark.parametrize("text", ["", "no XML", "<html></html>", "<MRML>", "<MRML/><MRML/>", "\x00"])
def test_what_is_no_scene_is_refused(scene, text):
    scene.write_text(text)
    with pytest.raises(InputError, match=r"damaged|no scene"):
        check_scene(scene)


NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n{}\n\n"
META = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_SHORT\n{}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scan.nhdr", NRRD.format("data file: scan.raw")),
        ("scan.nrrd", NRRD.format("space: left-posterior-superior")),
        ("scan.mhd", META.format("ElementDataFile = scan.raw")),
        ("scan.mha", META.format("ElementDataFile = LOCAL")),
        ("scan.mhd", META.format("ElementDataFile = scan%03d.raw 1 10 1")),
        ("scan.mhd", META.format("ElementDataFile = LIST\na.raw\nb.raw")),
        ("scan.nii", "data file: /etc/passwd"),
    ],
)
def test_voxels_may_lie_beside_their_header(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    check_header(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scan.nhdr", NRRD.format("data file: /etc/passwd")),
        ("scan.nrrd", NRRD.format("DataFile: ../scan.raw")),
        ("scan.nhdr", NRRD.format("data file: other/scan.raw")),
        ("scan.nhdr", NRRD.format("data file: LIST\na.raw\n/etc/passwd")),
        ("scan.nhdr", NRRD.format("data file: /etc/%03d 1 3 1")),
        ("scan.nhdr", NRRD.format("data file: http://example.org/x.raw").replace("\n", "\r\n")),
        (
            "scan.nrrd",
            NRRD.format("kinds: domain domain domain") + "data file: /etc/passwd",
        ),  # where does a header end?
        ("scan.mhd", META.format("ElementDataFile = /etc/passwd")),
        ("scan.mhd", META.format("elementdatafile : ..\\scan.raw")),
        ("scan.MHA", META.format("ElementDataFile = LIST\n/etc/passwd")),
        ("scan.mhd", META.format("ElementDataFile = scan.raw\nElementDataFile = /etc/passwd")),
    ],
)
def test_voxels_elsewhere_are_not_read(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="another folder"):
        check_header(tmp_path / name)


def test_a_scene_with_such_a_header_beside_it_is_refused(scene):
    (scene.parent / "scan.nhdr").write_text(NRRD.format("data file: /etc/passwd"))
    scene.write_text(naming("fileName", "scan.nhdr"))
    with pytest.raises(InputError, match="another folder"):
        check_scene(scene)
