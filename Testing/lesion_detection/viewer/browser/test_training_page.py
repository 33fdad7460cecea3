"""The training page in the browser: a cohort that is checked, a tiny run, its curves, and the model that comes of it."""

from __future__ import annotations

import pytest
from browser_driver.looking import wait_for

pytestmark = pytest.mark.slow

SETTINGS = '{"fit": {"steps": 6}}'
_TYPED_AND_PRESSED = """(field, [text, button]) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById(button).click();
}"""


@pytest.fixture(scope="module")
def page(serve, visit):
    page = visit(serve().link)
    page.click("#training-tab")
    page.wait_for_selector("#training-check")
    return page


def pick(page, name, text):
    """Choose the item with this text of a list."""
    page.locator(f".v-select:has(#{name})").click()
    page.locator(".v-overlay--active .v-list-item", has_text=text).first.click()


def test_a_cohort_is_checked_as_it_was_typed_just_before_and_what_is_in_it_is_said(page):
    pick(page, "training-method", "anywhere in the body")
    wait_for(
        page,
        lambda: "Body" in page.locator(".v-select:has(#training-path)").inner_text(),
        "phantoms that suit the method",
    )
    page.click("#training-options")
    page.locator("#training-option-seeds").evaluate(_TYPED_AND_PRESSED, ["0-2", "training-check"])
    said = wait_for(page, lambda: page.locator("#training-summary").all_inner_texts(), "the summary")
    assert "3" in said[0]


def test_a_run_shows_its_curves_and_ends_in_a_model_that_can_be_used(page, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    page.click("#training-more")
    page.fill("#training-settings-file", str(settings))
    page.fill("#training-name", "Tiny")
    page.click("#training-start")
    page.wait_for_selector("#training-loss svg path.training-line")
    wait_for(page, lambda: "Finished" in page.inner_text("#training-state"), "the end of the run")
    pick(page, "training-model", "Tiny")
    wait_for(page, lambda: "Tiny" in page.inner_text("#training-card"), "the model's card")
    page.click("#training-use")
    page.wait_for_selector("#training-tab[aria-selected=false]")
    assert page.locator("#method").input_value() == "universal-ct"
    assert "Tiny" in page.locator("#model option:checked").inner_text()


def test_a_model_that_was_measured_shows_its_froc(page):
    page.click("#training-tab")
    pick(page, "training-model", "universal-ct-phantom")
    page.wait_for_selector("#training-froc svg")
    assert "phantom" in page.inner_text("#training-card").lower()
