"""Libraries are asked for once, when they are needed, and installed without changing what Slicer runs on."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest
from LesionDetectionLib.app import packages
from LesionDetectionLib.app.packages import FEATURES, PACKAGES, Package

USUAL = Package("lesion-usual", "lesion_usual", "2.1", 60, "fast images")
OTHER = Package("lesion-other", "lesion_other", "1.0", 30, "outlines")
APART = Package("lesion-apart", "lesion_apart", "3.0", 4, "DICOM", apart=True)
TORCH = Package("torch", "lesion_torch", "2.2", 2500, "neural networks")


def put(folder: Path, name: str, version: str) -> None:
    facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    module = "lesion_torch" if name == "torch" else name.replace("-", "_")
    (folder / f"{module}.py").write_text("", encoding="utf-8")
    (facts / "RECORD").write_text(f"{module}.py,,\n{facts.name}/METADATA,,\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for package in (USUAL, OTHER, APART):
        monkeypatch.setitem(PACKAGES, package.name, package)
    monkeypatch.setitem(FEATURES, "measure", ("numpy", "lesion-usual", "lesion-other"))
    monkeypatch.setitem(FEATURES, "dicom", ("numpy", "lesion-usual", "lesion-apart"))
    yield folder
    for name in ("lesion_usual", "lesion_other", "lesion_apart", "lesion_torch"):
        sys.modules.pop(name, None)


@pytest.fixture
def dependencies(slicer_app, site):
    slicer_app.testing = False
    return importlib.import_module("LesionDetectionLib.panel.dependencies")


@pytest.fixture
def pip(slicer_app, site, monkeypatch):
    """``slicer.util.pip_install`` that really puts libraries where they were asked for, and keeps the constraints it saw."""
    import slicer

    calls = []

    def install(requirements):
        assert isinstance(requirements, list), "a folder's name may hold a space"
        held = requirements[requirements.index("--constraint") + 1]
        calls.append((requirements, Path(held).read_text(encoding="utf-8")))
        target = Path(requirements[requirements.index("--target") + 1]) if "--target" in requirements else site
        for requirement in requirements:
            name, _, least = requirement.partition(">=")
            if least:
                put(target, name, f"{least}.1")

    monkeypatch.setattr(slicer.util, "pip_install", install)
    return calls


def test_nothing_is_asked_where_nothing_is_missing(slicer_app, dependencies, site):
    put(site, "lesion-usual", "2.1")
    put(site, "lesion-other", "1.0")
    assert dependencies.ensure("measure")
    assert slicer_app.questions == []


def test_one_question_says_what_why_and_how_large(slicer_app, dependencies):
    assert not dependencies.ensure("measure")
    (question,) = slicer_app.questions
    assert question.kind == "ok_cancel"
    for words in (
        "Click to measure",
        "lesion-usual 2.1",
        "fast images",
        "60 MB",
        "lesion-other",
        "About 90 MB",
        "internet",
    ):
        assert words in question.text
    assert "Without internet" in question.text
    assert "started again" in question.text
    assert "PyTorch" not in question.text
    assert "numpy" not in question.text
    assert slicer_app.pip == []


def test_what_is_missing_is_installed_at_once_with_what_is_there_held(slicer_app, dependencies, pip, site):
    put(site, "lesion-other", "1.0")
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("measure")
    ((arguments, held),) = pip
    assert arguments[-1] == "lesion-usual>=2.1"
    assert [one for one in arguments if ">=" in one] == ["lesion-usual>=2.1"]
    assert f"numpy=={packages.first_version('numpy')}" in held
    assert "lesion-other==1.0" in held
    assert dependencies.ensure("measure")
    assert len(slicer_app.questions) == 1
    assert not Path(arguments[1]).exists(), "the constraints file is gone"


def test_what_must_not_meet_slicers_own_goes_into_our_folder(slicer_app, dependencies, pip, site):
    put(site, "lesion-usual", "2.1")
    put(site, "lesion-apart", "2.4.4")
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("dicom")
    assert str(packages.libraries_folder()) in slicer_app.questions[0].text
    ((arguments, held),) = pip
    assert "--target" in arguments
    assert "lesion-apart" not in held
    assert (packages.libraries_folder() / "lesion_apart.py").exists()
    assert packages.first_version("lesion-apart", [str(site)]) == "2.4.4"
    assert len(slicer_app.questions) == 1, "no restart: Slicer does not use it"


def test_pip_that_fails_is_told_with_what_to_do(slicer_app, dependencies):
    slicer_app.answers["ok_cancel"] = True
    slicer_app.pip.fails = True
    assert not dependencies.ensure("measure")
    error = slicer_app.questions[-1]
    assert error.kind == "error"
    assert "internet" in error.text
    assert "folder of wheels" in error.text
    assert slicer_app._application._cursors == 0, "no wait cursor is left"


def test_pip_that_did_nothing_is_noticed(slicer_app, dependencies):
    slicer_app.answers["ok_cancel"] = True
    assert not dependencies.ensure("measure")
    assert "lesion-usual is not installed" in slicer_app.questions[-1].text


def test_a_replaced_library_that_is_in_use_needs_a_new_start(slicer_app, dependencies, pip, site):
    put(site, "lesion-usual", "1.0")
    put(site, "lesion-other", "1.0")
    sys.modules["lesion_usual"] = types.ModuleType("lesion_usual")
    slicer_app.answers["ok_cancel"] = True

    def newer(arguments):
        for left in site.glob("lesion_usual-*"):
            left.rename(site / "gone")
        put(site, "lesion-usual", "2.5")

    import slicer

    slicer.util.pip_install = newer
    assert not dependencies.ensure("measure")
    assert slicer_app.questions[-1].kind == "info"
    assert "Start Slicer again" in slicer_app.questions[-1].text


def test_what_slicer_runs_on_is_never_replaced(slicer_app, dependencies, monkeypatch):
    monkeypatch.setitem(PACKAGES, "numpy", Package("numpy", "numpy", "99", 20, "arrays", from_slicer=True))
    assert not dependencies.ensure("measure")
    (error,) = slicer_app.questions
    assert error.kind == "error"
    assert "newer Slicer" in error.text


def test_newer_slicers_own_installer_is_used(slicer_app, dependencies, monkeypatch, site):
    calls = []

    def pip_ensure(requirements, **options):
        calls.append((requirements, options, Path(options["constraints"]).exists()))
        put(site, "lesion-usual", "2.1")
        put(site, "lesion-other", "1.0")

    newer = types.ModuleType("slicer.packaging")
    newer.pip_ensure = pip_ensure
    monkeypatch.setitem(sys.modules, "slicer.packaging", newer)
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("measure")
    ((requirements, options, there),) = calls
    assert requirements == ["lesion-usual>=2.1", "lesion-other>=1.0"]
    assert options["prompt_install"] is False
    assert there
    assert slicer_app.pip == []


# PyTorch


@pytest.fixture
def torch_missing(dependencies, monkeypatch, site):
    monkeypatch.setitem(PACKAGES, "torch", TORCH)
    monkeypatch.setitem(FEATURES, "detect", ("numpy", "torch", "lesion-usual"))
    put(site, "lesion-usual", "2.1")
    # The real one of this environment is out of sight.
    real = packages.first_version
    hidden = [str(site)]
    monkeypatch.setattr(
        packages, "first_version", lambda name, path=None: real(name, hidden if name == "torch" else path)
    )


def extension(monkeypatch, install):
    module = types.ModuleType("PyTorchUtils")

    class PyTorchUtilsLogic:
        def installTorch(self, **options):
            return install(**options)

    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)


def test_torch_needs_the_extension(slicer_app, dependencies, torch_missing):
    slicer_app.answers["ok_cancel"] = True
    assert not dependencies.ensure("detect")
    question, error = slicer_app.questions
    assert "2.5 GB" in question.text
    assert "extension PyTorch" in question.text
    assert "Extensions Manager" in error.text
    assert slicer_app.pip == []


def test_torch_comes_through_the_extension_alone(slicer_app, dependencies, torch_missing, monkeypatch, site):
    asked = []

    def install(**options):
        asked.append(options)
        put(site, "torch", "2.7.1")
        return types.ModuleType("torch")

    extension(monkeypatch, install)
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("detect")
    assert asked == [{"askConfirmation": True, "torchVersionRequirement": ">=2.2"}]
    assert slicer_app.pip == []


def test_torch_declined_is_no_error(slicer_app, dependencies, torch_missing, monkeypatch):
    extension(monkeypatch, lambda **options: None)
    slicer_app.answers["ok_cancel"] = True
    assert not dependencies.ensure("detect")
    assert [question.kind for question in slicer_app.questions] == ["ok_cancel"]


def test_torch_that_fails_is_told(slicer_app, dependencies, torch_missing, monkeypatch):
    def install(**options):
        raise subprocess.CalledProcessError(1, "ltt install torch")

    extension(monkeypatch, install)
    slicer_app.answers["ok_cancel"] = True
    assert not dependencies.ensure("detect")
    assert "PyTorch was not installed" in slicer_app.questions[-1].text


# torchvision, which fits one torch only

VISION = Package("torchvision", "lesion_vision", "0.17", 8, "what overlaps", with_torch=True)


@pytest.fixture
def vision_missing(torch_missing, monkeypatch, site):
    monkeypatch.setitem(PACKAGES, "torchvision", VISION)
    real = packages.first_version
    monkeypatch.setattr(
        packages,
        "first_version",
        lambda name, path=None: real(name, [str(site)] if name == "torchvision" else path),
    )
    yield
    sys.modules.pop("lesion_vision", None)


def put_vision(site):
    put(site, "torchvision", "0.22.1")
    (site / "lesion_vision.py").write_text("", encoding="utf-8")


def test_a_method_is_asked_for_what_it_needs_and_another_is_not(slicer_app, dependencies, vision_missing, site):
    put(site, "torch", "2.7.1")
    assert dependencies.ensure("detect")
    assert slicer_app.questions == []
    assert not dependencies.ensure("detect", VISION.name.split())
    (question,) = slicer_app.questions
    assert "torchvision 0.17" in question.text
    assert "extension PyTorch" in question.text


def test_torchvision_comes_with_the_torch_that_is_there(
    slicer_app, dependencies, vision_missing, monkeypatch, pip, site
):
    """The extension installs both at once: torch is asked for in the very version that is there, so it stays."""
    put(site, "torch", "2.7.1+cu128")
    asked = []

    def install(**options):
        asked.append(options)
        put_vision(site)
        return types.ModuleType("torch")

    extension(monkeypatch, install)
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("detect", ["torchvision"])
    assert asked == [{"askConfirmation": True, "torchVersionRequirement": "==2.7.1"}]
    assert pip == []


def test_a_torch_that_is_replaced_all_the_same_is_told(slicer_app, dependencies, vision_missing, monkeypatch, site):
    import shutil

    put(site, "torch", "2.7.1")

    def install(**options):
        shutil.rmtree(site / "torch-2.7.1.dist-info")
        put(site, "torch", "2.9.0")
        put_vision(site)
        return types.ModuleType("torch")

    extension(monkeypatch, install)
    slicer_app.answers["ok_cancel"] = True
    assert not dependencies.ensure("detect", ["torchvision"])
    assert "PyTorch 2.7.1 was replaced by 2.9.0" in slicer_app.questions[-1].text


def test_without_the_extension_pip_is_told_to_keep_torch(slicer_app, dependencies, vision_missing, pip, site):
    put(site, "torch", "2.7.1+cu128")
    slicer_app.answers["ok_cancel"] = True
    dependencies.ensure("detect", ["torchvision"])
    ((arguments, held),) = pip
    assert arguments[-1] == "torchvision>=0.17"
    assert "torch==2.7.1+cu128" in held.splitlines()


def test_torch_and_torchvision_come_together(slicer_app, dependencies, vision_missing, monkeypatch, pip, site):
    def install(**options):
        put(site, "torch", "2.7.1")
        put_vision(site)
        return types.ModuleType("torch")

    extension(monkeypatch, install)
    slicer_app.answers["ok_cancel"] = True
    assert dependencies.ensure("detect", ["torchvision"])
    assert pip == []


# Without internet


def wheels(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name.replace('-', '_')}-2.5-py3-none-any.whl").touch()
    return folder


def test_wheels_in_a_folder_are_installed_without_a_network(slicer_app, dependencies, pip, site, tmp_path):
    put(site, "lesion-other", "1.0")
    folder = wheels(tmp_path / "my wheels", "lesion-usual", "lesion-apart", "unrelated")
    slicer_app.answers["Folder of wheels"] = str(folder)
    assert dependencies.install_from_folder()
    (usual, _held), (apart, _held_apart) = pip
    for arguments in (usual, apart):
        assert arguments[arguments.index("--find-links") + 1] == str(folder)
        assert "--no-index" in arguments
    assert usual[-1] == "lesion-usual>=2.1"
    assert apart[-1] == "lesion-apart>=3.0"
    assert "--target" in apart


def test_a_folder_without_wheels_says_how_to_fill_it(slicer_app, dependencies, tmp_path):
    assert not dependencies.install_from_folder(wheels(tmp_path / "wheels", "unrelated"))
    (error,) = slicer_app.questions
    assert "lesion-usual" in error.text
    assert "PythonSlicer -m pip download" in error.text
    assert '"lesion-usual>=2.1"' in error.text


def test_no_folder_chosen_is_no_error(slicer_app, dependencies):
    slicer_app.answers["Folder of wheels"] = ""
    assert not dependencies.install_from_folder()
    assert [question.kind for question in slicer_app.questions] == ["path"]


def test_while_slicer_tests_nothing_blocks_and_nothing_is_installed(slicer_app, dependencies):
    slicer_app.testing = True
    assert not dependencies.ensure("measure")
    assert not dependencies.install_from_folder()
    assert slicer_app.pip == []
