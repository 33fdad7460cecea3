"""The entry for Slicer's Extensions Index: its form, and that it agrees with CMake."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ENTRY = REPOSITORY / "Resources" / "ExtensionIndex" / "LesionDetection.json"
FORM = {
    "type": "object",
    "required": ["$schema", "category", "scm_url"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": r"/slicer-extension-catalog-entry-schema-v1\.0\.[12]\.json#$"},
        "category": {"type": "string", "minLength": 1},
        "scm_url": {"type": "string", "pattern": r"^https://.+\.git$"},
        "scm_revision": {"type": "string"},
        "scm_type": {"enum": ["git", "local"]},
        "build_dependencies": {"type": "array", "items": {"type": "string"}},
        "build_subdirectory": {"type": "string"},
        "enabled": {"type": "boolean"},
        "tier": {"enum": [1, 3, 5]},
    },
}
"""What Slicer's schema of such an entry (v1.0.1) asks, in our words, and two things more: a secure address, a known form."""


@pytest.fixture
def entry():
    return json.loads(ENTRY.read_text(encoding="utf-8"))


def cmake(pattern: str) -> str:
    found = re.search(pattern, (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert found, pattern
    return found.group(1)


def test_the_entry_has_the_form_that_slicer_asks_for(entry):
    jsonschema.validate(entry, FORM)


@pytest.mark.parametrize(
    "mistake", [{"tier": 2}, {"scmurl": "x"}, {"build_dependencies": "PyTorch"}, {"scm_url": "git@host:x.git"}]
)
def test_mistakes_are_noticed(entry, mistake):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(entry | mistake, FORM)


def test_the_entry_is_named_as_the_project(entry):
    assert cmake(r"project\((\w+)\)") == ENTRY.stem


def test_the_entry_agrees_with_cmake(entry):
    assert entry["build_dependencies"] == cmake(r'EXTENSION_DEPENDS "([^"]*)"').split()
    assert entry["scm_url"].removesuffix(".git") == cmake(r'EXTENSION_HOMEPAGE "([^"]*)"')


def test_the_category_is_that_of_the_modules(entry):
    for module in ("LesionDetection", "LesionTraining"):
        source = (REPOSITORY / module / f"{module}.py").read_text(encoding="utf-8")
        assert f'parent.categories = ["{entry["category"]}"]' in source
