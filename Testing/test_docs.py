"""The documentation's links and pictures are there, its commands are taken, its tables of keys are those of panel and viewer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from LesionDetectionLib.app.command_line import build_parser

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
PANEL = REPOSITORY / "LesionDetection" / "LesionDetectionLib" / "panel"
PAGE = REPOSITORY / "LesionDetection" / "LesionDetectionLib" / "viewer" / "web" / "page.js"


def names(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def links(path: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith(("http://", "https://"))]


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_what_a_page_links_to_is_there(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_command_that_a_page_shows_is_taken():
    """As the parser has it; what a line leaves out ("...", "[SCAN]") is for the reader to fill in."""
    texts = [page.read_text(encoding="utf-8").replace("\\\n", " ") for page in PAGES]
    shown = [line for text in texts for line in re.findall(r"^ {4}(lesion .*?)(?: +#.*)?$", text, re.MULTILINE)]
    commands = [line for line in shown if "..." not in line and "[" not in line]
    assert len(commands) > 60
    parser = build_parser()
    for line in commands:
        try:
            parser.parse_args(shlex.split(line)[1:])
        except SystemExit:
            pytest.fail(f"not taken: {line}")


@pytest.mark.parametrize("page", PAGES[2:], ids=names)
def test_pages_are_short_and_name_no_machine(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 140
    assert not re.search(r"/(root|work|home/\w+|tmp)/", text)


def test_pictures_are_small():
    for path in (REPOSITORY / "Resources" / "Screenshots").iterdir():
        assert path.stat().st_size < 400_000, path.name


def test_every_picture_is_shown_somewhere():
    shown = {Path(link).name for page in PAGES for link in links(page) if link.endswith(".png")}
    assert {path.name for path in (REPOSITORY / "Resources" / "Screenshots").iterdir()} <= shown


def test_the_keys_of_the_panel_are_in_the_tutorial():
    """Every key that the panel's parts bind, and no other."""
    table = re.search(
        r"\| key \| does \|\n(.*?)\n\n", (REPOSITORY / "docs/detect.md").read_text(encoding="utf-8"), re.DOTALL
    )
    told = {key.strip() for line in table.group(1).splitlines() for key in line.split("|")[1].split(",")} - {
        "---",
        "double click",
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in PANEL.glob("*.py"))
    bound = set(re.findall(r'on_key\([^,]+, "([^"]+)"', code))
    for group in re.findall(r'Button", \(("[^)]*)\)', code):
        bound |= set(re.findall(r'"([^"]+)"', group))
    same = {"Escape": "Esc", "Return": "Enter"}
    assert told == {same.get(key, key) for key in bound} | {"Enter"}


def test_the_keys_of_the_viewer_are_in_its_page():
    """Those that the page listens to, and Enter, which the table of findings does."""
    table = re.search(
        r"\| key \| does \|\n(.*?)\n\n", (REPOSITORY / "docs/viewer.md").read_text(encoding="utf-8"), re.DOTALL
    )
    told = {key for line in table.group(1).splitlines() for key in re.split(r", | or ", line.split("|")[1].strip())}
    listed = re.search(r"const KEYS = \[(.*?)\]", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    heard = {key.replace("Arrow", "") for key in re.findall(r'"([^"]+)"', listed)}
    assert told - {"---"} == heard | {"Enter"}
