"""Section Download: which files there are, who makes them, and where the browser fetches them."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest
from LesionDetectionLib.core.finding import Findings

from ..io.conftest import SyntheticDicom
from .conftest import chest, found


@pytest.fixture
def handed_out(viewer, engine, monkeypatch):
    """The files that the browser was told to fetch."""
    downloads, addresses = viewer.exchange.downloads, []
    monkeypatch.setattr(viewer.export_part, "fetch", addresses.append)

    def files():
        return [
            (offer.folder / offer.name)
            for address in addresses
            for offer in [downloads._offers[address.split("/")[-1]]]
        ]

    yield files
    downloads.forget()
    if viewer.export_part.job is not None and not viewer.export_part.job.finished:
        engine.end_cancelled()
    assert [path.name for path in viewer.exchange.folder.iterdir()] == ["in-use"]


def test_without_a_result_only_the_scene_is_there(state, ct):
    assert state.exportable == ["scene"]
    assert state.export_text == "Nothing to export yet."


def test_with_a_result_all_but_dicom_is_there(state, detected):
    assert state.exportable == ["scene", "report", "pdf", "csv", "seg"]
    assert state.export_text == "Nothing was accepted yet, so all 2 findings that are drawn are exported."


def test_the_table(page, detected, handed_out):
    page.press("download-csv")
    (path,) = handed_out()
    assert path.name == f"{chest().name}-lesions.csv"
    heading, *rows = (line.split(",") for line in path.read_text().splitlines())
    facts = [dict(zip(heading, row, strict=False)) for row in rows]
    assert [(one["id"], one["status"], one["origin"]) for one in facts] == [
        ("L1", "new", "detected"),
        ("L2", "new", "detected"),
    ]


def test_the_table_has_what_was_accepted_and_nothing_else(viewer, page, detected, handed_out):
    with viewer.context.state:
        viewer.context.session.accept(["L2"])
    page.press("download-csv")
    (path,) = handed_out()
    assert [line.split(",")[1] for line in path.read_text().splitlines()] == ["id", "L2"]


@pytest.mark.parametrize(
    ("button", "name", "called"), [("report", "report.html", "html"), ("pdf", "report.pdf", "pdf")]
)
def test_the_report_is_made_by_the_worker(page, state, engine, detected, handed_out, button, name, called):
    page.press(f"download-{button}")
    request = engine.request
    assert [one.id for one in Findings.from_json(request.findings).reported] == ["L1", "L2"]
    assert request.named_by == []
    assert request.model.endswith("nodule-ct-phantom")
    assert state.exporting
    engine.go_on(0.4, "Drawing picture 2 of 3")
    assert (state.export_step, state.export_fraction) == ("Drawing picture 2 of 3", 0.4)
    folder = Path(request.folder)
    folder.mkdir()
    (folder / name).write_bytes(b"pages")
    engine.finish({name: str(folder / name)})
    (path,) = handed_out()
    assert (path.name, path.read_bytes()) == (f"{chest().name}-report.{called}", b"pages")
    assert not state.exporting


def test_the_segmentation_has_what_is_reported(page, engine, detected, handed_out):
    page.press("download-seg")
    request = engine.request
    assert [one.id for one in Findings.from_json(request.findings).reported] == ["L1", "L2"]
    assert [image.name for image in engine.jobs[-1][2].values()] == [chest().name]
    Path(request.path).write_bytes(b"outlines")
    engine.finish(request.path)
    (path,) = handed_out()
    assert path.name == f"{chest().name}-lesions.seg.nrrd"


def test_one_file_at_a_time_and_cancelling_leaves_none(page, state, engine, detected, handed_out):
    page.press("download-report")
    page.press("download-seg")
    assert "written already" in page.told()
    page.press("export-cancel")
    engine.end_cancelled()
    assert page.told() == "Cancelled. Nothing was written."
    assert not state.exporting
    assert handed_out() == []


def test_what_cannot_be_written_is_told(page, engine, detected, handed_out):
    page.press("download-report")
    engine.fail("The disk is full.")
    assert page.told() == "The disk is full."
    assert handed_out() == []


def test_a_pdf_needs_its_library(page, engine, detected, handed_out, monkeypatch):
    from LesionDetectionLib.viewer.parts import export_part

    monkeypatch.setattr(export_part, "pdf_missing", lambda: "For a PDF, reportlab is missing.")
    before = len(engine.jobs)
    page.press("download-pdf")
    assert page.told() == "For a PDF, reportlab is missing."
    assert len(engine.jobs) == before


def test_the_scene_has_everything_and_is_opened_again(viewer, page, state, detected, handed_out):
    async def both():
        page.press("download-scene")
        assert state.export_step == "Writing the scene"
        page.press("download-csv")
        assert "written already" in page.told()
        await viewer.export_part.finished()

    asyncio.run(both())
    assert not state.exporting
    (path,) = handed_out()
    assert path.name == f"{chest().name}-scene.mrb"
    with zipfile.ZipFile(path) as archive:
        assert any(name.endswith(f"{chest().name}.nrrd") for name in archive.namelist())
    with viewer.context.state:
        viewer.close_scene()
    asyncio.run(viewer.open([path]))
    assert [one.id for one in viewer.context.session.listed] == ["L1", "L2"]


def test_a_scene_that_is_cancelled_leaves_nothing(viewer, page, state, detected, handed_out):
    async def both():
        page.press("download-scene")
        page.press("export-cancel")
        await viewer.export_part.finished()

    asyncio.run(both())
    assert page.told() == "Cancelled. Nothing was written."
    assert not state.exporting
    assert handed_out() == []


def test_dicom_is_there_where_the_scan_was_dicom(viewer, page, state, engine, tmp_path, handed_out):
    dicom = SyntheticDicom(tmp_path)
    dicom.series([0.0, 2.0, 4.0, 6.0])
    asyncio.run(viewer.open([tmp_path]))
    session, node = viewer.context.session, viewer.context.choices.volumes["CT"]
    from LesionDetectionLib.io.mrml import image_from_node

    image = image_from_node(node)
    from dataclasses import replace

    empty = replace(found(), lesions=(), geometry=image.geometry)
    with viewer.context.state:
        session._add(node, Findings.of(empty), "nothing", {})
    assert "dicom" in state.exportable
    page.press("download-dicom")
    request = engine.request
    assert len(request.sources) == 4
    folder = Path(request.folder)
    folder.mkdir()
    for name in ("lesions.seg.dcm", "lesions.sr.dcm"):
        (folder / name).write_bytes(b"DICM")
    engine.finish([str(folder / "lesions.seg.dcm"), str(folder / "lesions.sr.dcm")])
    (path,) = handed_out()
    assert path.name == "Thorax-lung-DICOM.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["lesions.seg.dcm", "lesions.sr.dcm"]
    next(tmp_path.glob("*.dcm")).unlink()
    page.press("download-dicom")
    assert "not here any more" in page.told()
