"""The GitHub workflows can be read, call what there is, and are no broken shell. They run on GitHub only."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def jobs(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


def scripts(path: Path) -> list[str]:
    return [step["run"] for job in jobs(path).values() for step in job["steps"] if "run" in step]


def test_there_are_both():
    assert [path.name for path in WORKFLOWS] == ["slicer.yml", "tests.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_can_be_read_and_ends_by_itself(path):
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 90
        assert all("uses" in step or "run" in step for step in job["steps"])
        assert all(re.search(r"@v\d+$", step["uses"]) for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_its_scripts_are_shell(path):
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    for script in scripts(path):
        plain = re.sub(r"\$\{\{.*?\}\}", "value", script)
        subprocess.run(["bash", "-n"], input=plain, text=True, check=True)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_files_and_goals_that_it_names_exist(path):
    text = "\n".join(scripts(path))
    named = re.findall(r"\bTesting/[\w/.]+|\$PWD/(\w+)", text) + re.findall(r"\bTesting/[\w/.]+", text)
    for name in filter(None, named):
        assert (REPOSITORY / name).exists(), name
    goals = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for goal in re.findall(r"\bmake (\w+)", text):
        assert goal in goals


def test_the_self_tests_that_are_run_exist():
    codes = re.findall(r'--python-code "(.*)"', "\n".join(scripts(REPOSITORY / ".github/workflows/slicer.yml")))
    assert len(codes) == 2
    for code in codes:
        module = re.fullmatch(r"import (\w+); \1\.\1Test\(\)\.runTest\(\)", code).group(1)
        tree = ast.parse((REPOSITORY / module / f"{module}.py").read_text(encoding="utf-8"))
        (test,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == f"{module}Test"]
        assert any(isinstance(node, ast.FunctionDef) and node.name == "runTest" for node in test.body)
