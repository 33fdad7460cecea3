"""The report of a study: it says what must be said, in the page and in the PDF alike, and nothing that must not."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.documents.html import html_text
from LesionDetectionLib.app.documents.pdf import pdf_bytes
from LesionDetectionLib.app.report import Study, report_document, report_page
from LesionDetectionLib.app.report.words import measurement
from LesionDetectionLib.core.bundle import MEASURED_LATER, read_manifest
from LesionDetectionLib.core.detections import OperatingPoint
from LesionDetectionLib.core.detector import Score, method
from LesionDetectionLib.core.finding import CLICKED, Findings, Status
from LesionDetectionLib.core.resources import demonstration_model
from PIL import Image as PillowImage
from read_page import Page
from read_pdf import Pdf


def picture(_rank=0, size=(32, 12)):
    file = io.BytesIO()
    PillowImage.new("RGB", size, (20, 40, 60)).save(file, "JPEG")
    return file.getvalue()


def page_of(image, result, **options):
    """The text of the page, as HTML."""
    return report_page(Study.of(image, result, **options), picture)


def both(image, result, **options):
    """Page and PDF of one report."""
    document = report_document(Study.of(image, result, **options), picture)
    return Page(html_text(document)), Pdf(pdf_bytes(document))


def squeezed(text):
    """Without spaces: lines of a PDF may end anywhere."""
    return re.sub(r"\s+", "", text)


@pytest.fixture
def with_model(make_run):
    """``with_model(count, name)`` -> image, detections as a run of this demonstration model gives them, and the model."""

    def make(count=2, name="nodule-ct-phantom", point="balanced", **options):
        image, detections = make_run(count, **options)
        manifest, digest = read_manifest(demonstration_model(name))
        threshold = manifest.settings["operating_points"][point]
        model = {"name": manifest.name, "version": manifest.version, "sha256": digest}
        detections = replace(
            detections,
            method=manifest.method,
            operating_point=OperatingPoint(point, threshold),
            provenance={"model": model, "device": "cpu (1 thread)"},
        )
        return image, detections, (manifest, digest)

    return make


def test_both_say_what_was_searched_with_what_and_how_good_that_is(with_model):
    image, detections, model = with_model()
    for report in both(image, detections, model=model):
        for said in (
            "2 lesion candidates with a score of at least 0.562 (operating point “balanced”).",
            "CT, values in HU",
            "36 × 40 × 24 voxels",
            "nodule-ct-phantom, version 2",
            "cpu (1 thread)",
            "about 0.73 false marks per scan",
            "94 % (437 of 463)",
            "100 scans with 463 lesions of phantoms that it did not learn from",
            "They were computer-made: the figures say nothing of how it does on patients.",
            "160 scans of computer-made phantoms",
            "Apache-2.0",
            "Not a medical device; not for clinical decisions.",
            "Nodules below 4 mm, ground glass in noise",
            model[1],
            "Nobody has reviewed the findings.",
            "not a medical device",
            *detections.warnings,
        ):
            assert squeezed(said) in squeezed(report.text), said


def test_of_a_model_that_was_measured_later_no_more_is_claimed_than_is_known(with_model):
    image, detections, (manifest, digest) = with_model(1)
    later = replace(manifest, training={**manifest.training, MEASURED_LATER: True})
    for report in both(image, detections, model=(later, digest)):
        said = "100 scans with 463 lesions of phantoms; whether it had learned from their patients is not known to this report"
        assert squeezed(said) in squeezed(report.text)


def test_the_interval_of_a_model_that_has_one_is_given(with_model):
    image, detections, model = with_model(1, "liver-ct-phantom", "0.5 FP per image")
    for report in both(image, detections, model=model):
        assert squeezed("87 % (89 of 102); 95 % interval") in squeezed(report.text)
        assert squeezed("The model was measured on few lesions of some sizes (below 6 mm: 2)") in squeezed(report.text)


@pytest.mark.parametrize("given", ["none", "another"])
def test_without_its_model_nothing_of_it_is_claimed(with_model, given):
    image, detections, model = with_model()
    model = None if given == "none" else (model[0], "0" * 64)
    for report in both(image, detections, model=model):
        text = squeezed(report.text)
        assert squeezed("The model “nodule-ct-phantom” was not at hand when this report was written") in text
        assert squeezed("False marks per scan not known") in text
        assert "463" not in text
        assert squeezed("as its makers say") not in text


def test_a_method_without_a_model_claims_no_rates(make_run):
    image, detections = make_run(1)
    for report in both(image, replace(detections, method="active-pet-ct")):
        assert squeezed("The result names no model that was measured on scans") in squeezed(report.text)
        assert "SHA-256" not in report.text


def test_a_review_says_what_a_person_made_of_each(make_run):
    image, detections = make_run(5)
    findings = Findings.of(detections, threshold=0.6)
    findings = findings.changing(["L1"], lambda item: replace(item, status=Status.ACCEPTED, corrected=True))
    findings = findings.changing(["L2"], lambda item: replace(item, status=Status.REJECTED))
    clicked = replace(detections.lesions[3], score=1.0)
    findings, new = findings.adding(clicked, origin=CLICKED, status=Status.ACCEPTED)
    for report in both(image, findings):
        text = squeezed(report.text)
        for said in (
            "2 findings that a person accepted, of 5 that were listed; 1 was rejected.",
            "2 accepted, 1 rejected, 2 not decided on",
            "L1 Nodule · accepted · changed by a person",
            f"{new} Nodule · accepted · measured at a person’s click",
            "1 finding that a person rejected is not listed.",
            "2 findings that nobody decided on are not listed, as others were accepted.",
            "1 finding below the threshold (score ≥ 0.6) is not listed.",
            "A person decided on 3 of the 5 findings that the list had.",
        ):
            assert squeezed(said) in text, said
        assert "L2Nodule" not in text


def test_before_anything_is_accepted_what_a_person_made_is_told_apart(make_run):
    image, detections = make_run(3)
    findings = Findings.of(detections).changing(["L3"], lambda item: replace(item, status=Status.REJECTED))
    findings, _ = findings.adding(replace(detections.lesions[0], score=1.0), origin=CLICKED)
    said = "2 lesion candidates with a score of at least 0.3 (operating point “balanced”); 1 more made by a person; 1 was rejected."
    for report in both(image, findings):
        assert squeezed(said) in squeezed(report.text)


def test_a_model_of_phantoms_is_warned_of_even_where_the_run_does_not(with_model):
    image, detections, model = with_model(1)
    for report in both(image, replace(detections, warnings=()), model=model):
        assert "was trained on computer-made phantoms only: its results on patients" in " ".join(report.text.split())


def test_what_a_person_pointed_at_was_no_search(make_run):
    image, detections = make_run(1)
    measured = replace(detections, method="click", operating_point=OperatingPoint("all", 0.0), warnings=())
    for report in both(image, measured, origin=CLICKED):
        text = squeezed(report.text)
        assert squeezed("1 lesion, measured where a person pointed or drew.") in text
        assert squeezed("Nothing was searched for: a person chose the places") in text
        assert squeezed("False marks per scan") not in text
        assert "Score0.95" not in text, "a click has no score of a method"


def test_a_region_and_findings_without_an_outline_are_told(make_run):
    image, detections = make_run(2)
    bare = replace(detections.lesions[1], mask=None)
    settings = {"settings": {"region_ras_mm": [[-50.0, 0, -20], [10.0, 60, 40]]}}
    detections = replace(detections, lesions=(detections.lesions[0], bare), provenance=settings)
    for report in both(image, detections):
        text = squeezed(report.text)
        assert squeezed("Only a region was searched: R −50.0 to 10.0, A 0.0 to 60.0, S −20.0 to 40.0 mm.") in text
        assert squeezed("1 finding has no outline") in text


def test_no_finding(make_run):
    image, detections = make_run(0)
    for report in both(image, detections):
        assert "No lesion above the threshold: none was found with a score of at least 0.3" in report.text
        assert "Nobody has reviewed this result." in report.text
        assert "Each finding" not in report.text
    assert both(image, detections)[1].images == 1


def test_sixty_findings(make_run):
    page, pdf = both(*make_run(60))
    assert len(page.all("article")) == 60
    assert pdf.links == 60
    assert f"Page 7 of {len(pdf.pages)}" in pdf.text
    assert all(f"● L{n} Nodule" in pdf.text for n in range(1, 61))


def test_uptake_is_told_as_suv(make_run):
    image, detections = make_run(1)
    measures = {"max_suvbw": 12.34, "mean_suvbw": 6.5, "tlg_g": 80.0, "max_sulbm": 9.87}
    lesion = replace(detections.lesions[0], measurements=measures, recist=None)
    image = replace(image, voxels=np.abs(image.voxels.astype(np.float32)), modality="PT", unit="SUVbw")
    detections = replace(detections, lesions=(lesion,), method="active-pet-ct", modality="PT", unit="SUVbw")
    for report in both(image, detections):
        text = squeezed(report.text)
        for said in (
            "PET, values in SUV",
            "Max SUV",
            "12.34 SUV",
            "9.87 g/mL",
            "Total lesion glycolysis 80.0 g",
            "SUVmax",
        ):
            assert squeezed(said) in text, said


def test_the_table_has_one_unit_a_column(make_run):
    image, detections = make_run(2)
    volumes = ({"volume_mm3": 36_600.0, "mtv_ml": 36.6}, {"volume_mm3": 52.0, "mtv_ml": 0.05})
    lesions = tuple(replace(lesion, measurements=v) for lesion, v in zip(detections.lesions, volumes, strict=True))
    page = page_of(image, replace(detections, lesions=lesions))
    assert ">Volume mL</th>" in page
    assert "<td>36.6</td>" in page
    assert "<td>0.05</td>" in page
    assert "Metabolic tumour volume mL</th>" not in page, "it is the same volume"
    assert "<span>Volume</span>52 mm³" in page, "with the finding itself, in the unit that suits it"


def test_the_patient_is_named_only_where_the_person_asked(make_run):
    image, detections = make_run(1)
    image = replace(image, identifiers={"PatientName": "Doe^Jane", "PatientID": "4711"})
    for report in both(image, detections):
        assert "Doe" not in report.text
        assert "4711" not in report.text
        assert "names a patient" not in report.text
    page, pdf = both(image, detections, patient="Doe, Jane · ID 4711 · born 1970-01-31")
    for report in (page, pdf):
        assert "This file names a patient" in report.text
    assert "Doe, Jane · ID 4711 · born 1970-01-31" in page.text
    assert all("Doe, Jane · ID 4711" in text for text in pdf.pages), "pages come apart"
    assert "Doe" not in pdf.info


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.0, 0.0), "4 lesion candidates above the thresholds (Least response 0.00, Least area 0 px; operating point"),
        ((0.5, 10.0), "4 lesion candidates, 2 above the thresholds (Least response 0.50, Least area 10 px; operating"),
    ],
)
def test_where_the_controls_were(make_controlled_run, values, said):
    image, detections = make_controlled_run(4)
    detections = detections.with_control_values(values)
    for report in both(image, detections):
        assert squeezed(said) in squeezed(report.text)
        assert ("Places below the thresholds" in report.text) is (values == (0.0, 0.0)), "some below them are listed"
        above = f"balanced, above {', '.join(control.text for control in detections.controls)}"
        assert squeezed(above) in squeezed(report.text)
        assert "score ≥" not in report.text
    none = Page(page_of(image, replace(detections, lesions=()))).text
    assert "No lesion above the thresholds (Least response" in none


def test_the_score_is_called_what_the_method_calls_it(make_run, monkeypatch):
    image, detections = make_run(2)
    info = replace(method("nodule-ct"), id="made-up", score=Score("SUVmax", "the highest value", 1))
    monkeypatch.setattr("LesionDetectionLib.app.threshold_text.methods", lambda: {"made-up": info})
    lesions = tuple(
        replace(lesion, score=score) for lesion, score in zip(detections.lesions, (12.34, 3.0), strict=True)
    )
    text = page_of(image, replace(detections, lesions=lesions))
    page = Page(text)
    assert "2 lesion candidates with SUVmax of at least 0.3" in page.text
    assert "balanced, SUVmax ≥ 0.3" in page.text
    assert ">12.3</span>" in text
    assert "var(--bar) 100%" in text
    assert "var(--bar) 24%" in text, "a bar as long as its share of the highest"
    assert not re.search(r"<th[^>]*>Score</th>", text)


EVIL = "<script>alert(1)</script>\" onload='x' & ${name} $name &lt; <a href='file:///etc/passwd'>"


def test_nothing_is_loaded_or_run_and_everything_is_escaped(make_run):
    image, detections = make_run(1, name=EVIL)
    image = replace(image, notes=(EVIL,))
    lesion = replace(detections.lesions[0], note=EVIL, measurements={EVIL: 1.0})
    detections = replace(
        detections, lesions=(lesion,), method=EVIL, provenance={EVIL: {EVIL: [EVIL]}}, warnings=(EVIL,)
    )
    text = page_of(image, detections, patient=EVIL)
    page = Page(text)
    assert not page.all("script")
    assert page.text.count(EVIL) >= 8
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not re.search(r"url\(|@import", text)
    assert all(source.startswith("data:image/") for source in (image["src"] for image in page.all("img")))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    _, pdf = both(image, detections, patient=EVIL)
    assert squeezed(pdf.text).count(squeezed(EVIL)) >= 8
    assert b"/JavaScript" not in pdf.raw
    assert b"/URI" not in pdf.raw


def test_a_hostile_model_file_breaks_no_report(with_model):
    image, detections, (manifest, digest) = with_model()
    for metrics in ({"test": 3}, {"test": {"froc": EVIL, "operating_points": [1]}}, HOSTILE):
        model = replace(
            manifest, metrics=metrics, training={"limits": EVIL, "cases": [], "data": {EVIL: 1}}, licence=EVIL
        )
        for report in both(image, detections, model=(model, digest)):
            assert "how many lesions it misses" in report.text or "not known" in report.text


HOSTILE = {
    "test": {
        "scans": "many",
        "cpm": float("nan"),
        "operating_points": {"balanced": {"threshold": 0.56, "false_positives_per_scan": -1, "found": 9, "lesions": 3}},
        "size_bands_mm": "x",
        "confidence": {"level": [], "cpm": 4, "froc": [[1, 2], 3]},
    }
}


def test_what_must_be_said_is_said(make_run):
    image, detections = make_run(2)
    image = replace(image, notes=("The slice at 12.5 mm was missing and was interpolated.",))
    bare = replace(detections.lesions[1], mask=None, recist=None, measurements={}, note="Its outline leaked.")
    detections = replace(detections, lesions=(detections.lesions[0], bare))
    page, pdf = both(image, detections)
    for sentence in (
        *detections.warnings,
        *image.notes,
        "not a medical device",
        "Its outline leaked.",
        "Settings · tile",
        "8.0 × 6.0 mm",
    ):
        assert sentence in page.text
        assert sentence in pdf.text
    measured = page_of(image, replace(detections, lesions=(bare,), operating_point=OperatingPoint("all", 0.0)))
    assert '<p class="summary">1 lesion.</p>' in measured
    anchors = {attributes["href"][1:] for attributes in page.all("a")}
    assert anchors <= {attributes.get("id") for _, attributes in page.elements}
    assert {"L1", "L2", "not-checked"} <= anchors


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("volume_mm3", 2075.4, ("Volume", "2075 mm³")),
        ("volume_mm3", 36_600.0, ("Volume", "36.6 mL")),
        ("mean_hu", -12.6, ("Mean", "−13 HU")),
        ("max_suvbw", 7.914, ("Max", "7.91 SUV")),
        ("max_sulbm", 5.8891, ("Max SUL", "5.89 g/mL")),
        ("max_suvbsa", 1.9676, ("Max SUV by surface area", "1.97 cm²/mL")),
        ("sphericity", 0.8123, ("Sphericity", "0.81")),
        ("mtv_ml", 12.345, ("Metabolic tumour volume", "12.35 mL")),
        ("tlg_g", 80.04, ("Total lesion glycolysis", "80.0 g")),
    ],
)
def test_measurements_are_written_with_their_unit(name, value, written):
    told = measurement(name, value)
    assert (told.title, told.whole) == written
