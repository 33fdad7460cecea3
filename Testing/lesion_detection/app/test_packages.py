"""Which libraries there are is found without importing them, and what pip is told keeps what is installed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from LesionDetectionLib.app import installing, packages
from LesionDetectionLib.app.packages import FEATURES, PACKAGES, Found, Package
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.errors import DependencyError, InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARIES = {
    "LesionDetectionLib": REPOSITORY / "LesionDetection" / "LesionDetectionLib",
    "LesionTrainingLib": REPOSITORY / "LesionTraining" / "LesionTrainingLib",
}


def put(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> None:
    """A library as pip leaves it."""
    files = files or {f"{name.replace('-', '_')}.py": "raise RuntimeError('imported')\n"}
    facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    record = [*files, f"{facts.name}/METADATA", f"{facts.name}/RECORD"]
    (facts / "RECORD").write_text("".join(f"{path},,\n" for path in record), encoding="utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder where Python looks; its libraries raise when they are imported."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


USUAL = Package("lesion-usual", "lesion_usual", "2.1", 5, "a test")
APART = Package("lesion-apart", "lesion_apart", "3.0", 5, "a test", apart=True)


def test_the_least_versions_are_those_of_pyproject():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["radiomics"]]
    asked = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,.*)?", line).groups() for line in lines)
    assert {name: package.least for name, package in PACKAGES.items()} == {name: asked[name] for name in PACKAGES}


def test_every_feature_names_known_packages():
    named = {name for names in FEATURES.values() for name in names}
    named |= {name for info in methods().values() for name in info.packages}
    assert named == set(PACKAGES)


@pytest.mark.parametrize(
    ("feature", "starts"),
    [
        ("phantom", ["LesionTrainingLib.cohorts.phantoms.chest"]),
        ("measure", ["LesionDetectionLib.imaging.click", "LesionDetectionLib.app.recist_request"]),
        ("detect", ["LesionDetectionLib.core.bundle"]),
        ("report", ["LesionDetectionLib.app.export"]),
        ("follow-up", ["LesionDetectionLib.app.follow_up", "LesionDetectionLib.imaging.alignment"]),
        ("dicom", ["LesionDetectionLib.app.dicom_export", "LesionDetectionLib.app.suv_request"]),
        ("radiomics", ["LesionDetectionLib.app.features_request", "LesionTrainingLib.radiomics.features"]),
        ("train", ["LesionTrainingLib.learning.training"]),
        ("train", ["LesionTrainingLib.cohorts.dicom.database"]),
    ],
)
def test_a_feature_names_all_that_its_code_imports(feature, starts):
    """Whatever the code of a feature may import, early or late, is asked for beforehand."""
    declared = {PACKAGES[name].module for name in FEATURES[feature]}
    in_slicer = {"slicer", "vtk"}
    # A report brings DICOM only where its sources are given, and files of maps only where there are some: not in a review.
    others = {"LesionDetectionLib.app.dicom_export"} if feature != "dicom" else set()
    others |= {"LesionDetectionLib.io.files"} if feature == "report" else set()
    others |= {"LesionDetectionLib.app.export_requests"} if feature == "radiomics" else set()  # for a name in it
    used = imported_by(starts, others)
    optional = {package.module for package in PACKAGES.values() if package.optional}
    assert used - in_slicer - optional <= declared, used
    assert used, "nothing was followed"


@pytest.mark.parametrize("info", methods().values(), ids=methods())
def test_a_method_names_what_it_needs_beyond_what_all_do(info):
    """torchvision, or whatever it is, is asked for with the methods that use it, and with no other."""
    feature = "detect" if info.needs_model else "detect-without-model"
    common = {PACKAGES[name].module for name in FEATURES[feature]}
    more = {PACKAGES[name].module for name in info.packages}
    used = imported_by([info.factory.partition(":")[0]], set())
    assert used - common == more


@pytest.mark.parametrize("name", [name for name, info in methods().items() if info.needs_model])
def test_training_a_method_needs_no_more_than_that(name):
    recipe = f"LesionTrainingLib.learning.{name.replace('-', '_')}.recipe"
    packages_of = (*FEATURES["train"], *methods()[name].packages)
    used = imported_by([recipe], set())
    assert used - {"slicer", "vtk"} <= {PACKAGES[one].module for one in packages_of}
    assert "torch" in used


@pytest.mark.parametrize(
    "panel",
    [
        "LesionDetectionLib.panel.detection_panel",
        "LesionTrainingLib.panel.training_panel",
        "LesionDetectionLib.panel.sample_data",
    ],
)
def test_panels_open_before_any_library_is_installed(panel):
    """In a fresh Slicer there is no OpenCV; the panel must be there to ask for it. Slicer does bring SciPy."""
    assert imported_by([panel], set(), late=False) <= {"numpy", "scipy", "vtk", "slicer", "qt", "ctk"}


def imported_by(starts: list[str], but: set[str], late: bool = True) -> set[str]:
    """The foreign packages that these modules of ours import, at their top and (``late``) in functions, and so on."""
    seen = set(but)
    foreign: set[str] = set()
    todo = list(starts)
    while todo:
        name = todo.pop()
        path = source(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        for used in imports(path, name, late):
            root = used.partition(".")[0]
            if root in LIBRARIES:
                todo.append(used)
            elif root not in sys.stdlib_module_names:
                foreign.add(root)
    return foreign


def source(name: str) -> Path | None:
    root, *rest = name.split(".")
    base = LIBRARIES[root].joinpath(*rest)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache  # the same files stand behind most features
def imports(path: Path, name: str, late: bool) -> list[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree) if late else tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found


def test_a_library_is_found_without_being_imported(site, tmp_path):
    put(site, "lesion-usual", "2.1.0")
    found = packages.find(USUAL, tmp_path)
    assert (found.version, found.good) == ("2.1.0", True)
    assert "lesion_usual" not in sys.modules


@pytest.mark.parametrize(
    ("version", "good"),
    [("2.0.9", False), ("2.1", True), ("2.10", True), ("10", True), ("2.1rc1+cu12", True), ("1.99", False)],
)
def test_versions_are_compared_by_their_numbers(site, tmp_path, version, good):
    put(site, "lesion-usual", version)
    found = packages.find(USUAL, tmp_path)
    assert found.good is good
    assert (found.problem == "") is good


def test_a_missing_library_and_one_that_says_no_version(site, tmp_path):
    assert packages.find(USUAL, tmp_path).problem == "lesion-usual is not installed"
    (site / "lesion_usual.py").write_text("", encoding="utf-8")
    assert packages.find(USUAL, tmp_path).good


def test_another_distribution_may_bring_the_module(site, tmp_path):
    package = Package("lesion-usual", "lesion_usual", "2.1", 5, "a test", also=("lesion-other",))
    put(site, "lesion-other", "1.0", {"lesion_usual.py": ""})
    assert packages.find(package, tmp_path).problem == "lesion-usual is 1.0, and 2.1 or newer is needed"


def test_our_own_folder_comes_first_for_what_goes_there(site, tmp_path):
    put(site, "lesion-apart", "2.4.4")
    own = tmp_path / "own"
    assert packages.find(APART, own).too_old
    put(own, "lesion-apart", "3.0.1")
    assert packages.find(APART, own) == Found(APART, "3.0.1", apart=True)
    put(own, "lesion-usual", "9")
    assert packages.find(USUAL, own).missing, "only what belongs there counts there"


def test_here_nothing_is_missing(tmp_path):
    for feature in FEATURES:
        assert packages.missing(feature, tmp_path) == ()
        packages.require(feature, tmp_path)


def test_scripts_are_told_what_is_missing(site, tmp_path, monkeypatch):
    monkeypatch.setitem(PACKAGES, "lesion-usual", USUAL)
    monkeypatch.setitem(FEATURES, "measure", ("numpy", "lesion-usual"))
    assert packages.missing("detect", tmp_path) == ()
    with pytest.raises(DependencyError, match="lesion-usual is not installed"):
        packages.require("detect", tmp_path, also=("numpy", "lesion-usual"))
    with pytest.raises(DependencyError, match="lesion-usual is not installed") as caught:
        packages.require("measure", tmp_path)
    assert 'pip install "lesion-usual>=2.1"' in str(caught.value)
    assert "Models and set-up" in str(caught.value)


def test_an_optional_library_is_asked_for_and_can_be_missing(tmp_path, monkeypatch):
    gone = replace(USUAL, name="lesion-gone", module="lesion_gone", optional=True)
    monkeypatch.setitem(PACKAGES, "lesion-gone", gone)
    monkeypatch.setitem(FEATURES, "report", (*FEATURES["report"], "lesion-gone"))
    assert [one.package for one in packages.missing("report", tmp_path)] == [gone]
    assert packages.can_do("report", tmp_path)
    packages.require("report", tmp_path)
    monkeypatch.setitem(PACKAGES, "lesion-gone", replace(gone, optional=False))
    assert not packages.can_do("report", tmp_path)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'lesion_usual'", name="lesion_usual"), "lesion-usual is not installed"),
        (ModuleNotFoundError("No module named 'elsewhere.x'", name="elsewhere.x"), "the library elsewhere"),
        (ImportError("DLL load failed", name="numpy"), "cannot be loaded"),
    ],
)
def test_an_import_that_fails_is_explained(monkeypatch, error, words):
    monkeypatch.setitem(PACKAGES, "lesion-usual", USUAL)
    assert words in packages.explained(error)


def test_an_old_library_is_explained_as_old(site, monkeypatch):
    """pydicom 2 lacks the module pydicom.pixels: that is no missing library."""
    put(site, "lesion-usual", "1.0")
    monkeypatch.setitem(PACKAGES, "lesion-usual", USUAL)
    told = packages.explained(ModuleNotFoundError("No module named 'lesion_usual.new'", name="lesion_usual.new"))
    assert "lesion-usual is 1.0, and 2.1 or newer is needed" in told


# What pip is told


def test_constraints_hold_what_is_installed_but_for_what_is_asked(site):
    put(site, "Lesion_Usual", "1.0")
    put(site, "lesion-broken", "not a version")
    held = installing.constraints([Found(PACKAGES["scikit-image"])]).splitlines()
    assert f"numpy=={packages.first_version('numpy')}" in held
    assert "Lesion_Usual==1.0" in held
    assert not [line for line in held if line.startswith(("scikit-image=", "scikit_image=", "lesion-broken"))]
    free = installing.constraints([Found(USUAL)])
    assert "Usual" not in free


def test_our_own_folder_shares_only_what_slicer_runs_on(site):
    put(site, "lesion-usual", "1.0")
    held = installing.constraints([Found(APART)], apart=True)
    assert f"numpy=={packages.first_version('numpy')}" in held
    assert "lesion" not in held
    assert "pydicom" not in held


def test_what_slicer_brings_is_not_replaced():
    with pytest.raises(DependencyError, match=r"needs a newer Slicer: numpy is 1\.20"):
        installing.refuse_to_replace([Found(PACKAGES["numpy"], "1.20")])
    installing.refuse_to_replace([Found(PACKAGES["numpy"]), Found(PACKAGES["scikit-image"], "0.1")])


class FakePip:
    """Puts libraries into the target, as pip does, with what they bring along."""

    def __init__(self, *brings: tuple[str, str, dict[str, str] | None]) -> None:
        self.brings, self.calls, self.fails = brings, [], False

    def __call__(self, arguments: list[str]) -> None:
        self.calls.append(arguments)
        if self.fails:
            raise DependencyError("no network")
        for name, version, files in self.brings:
            put(Path(arguments[arguments.index("--target") + 1]), name, version, files)


def names_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix == ".py"
    )


def test_apart_holds_no_second_copy_of_what_python_has(site, tmp_path):
    shared = {"lesion_usual.py": "", "lesion_more/deep.py": "", "../../bin/tool": ""}
    put(site, "lesion-usual", "1.0", {"lesion_usual.py": ""})
    outside = tmp_path / "own" / "bin" / "tool"
    outside.parent.mkdir(parents=True)
    outside.write_text("stays", encoding="utf-8")
    pip = FakePip(("lesion-apart", "3.1", None), ("lesion-usual", "1.0", shared), ("lesion-newer", "2", None))
    folder = tmp_path / "own" / "python"
    # The list of the second names a program two folders up, as pip writes it.
    pip.brings[1][2].pop("../../bin/tool")
    installing.install_apart(pip, ["--no-index"], [Found(APART)], folder)
    assert pip.calls[0][0] == "--no-index"
    assert pip.calls[0][-1] == "lesion-apart>=3.0"
    assert names_in(folder) == ["lesion_apart.py", "lesion_newer.py"]
    assert not (folder / "lesion_more").exists()
    assert outside.read_text(encoding="utf-8") == "stays"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["bin", "python"]


def test_files_outside_of_the_folder_are_left_alone(tmp_path, site):
    put(site, "lesion-usual", "1.0", {"lesion_usual.py": ""})

    def pip(arguments):
        target = Path(arguments[arguments.index("--target") + 1])
        put(target, "lesion-usual", "1.0", {"lesion_usual.py": ""})
        record = target / "lesion_usual-1.0.dist-info" / "RECORD"
        record.write_text(record.read_text(encoding="utf-8") + "../precious.txt,,\n", encoding="utf-8")

    precious = tmp_path / "own" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("stays", encoding="utf-8")
    installing.install_apart(pip, [], [Found(APART)], tmp_path / "own" / "python")
    assert precious.exists()


def test_what_was_apart_before_stays(tmp_path):
    folder = tmp_path / "own" / "python"
    put(folder, "lesion-first", "1", {"lesion_first/__init__.py": "", "lesion_first/part.py": ""})
    put(folder, "lesion-apart", "2.9", {"old_module.py": ""})
    installing.install_apart(FakePip(("lesion-apart", "3.1", None)), [], [Found(APART)], folder)
    assert names_in(folder) == ["lesion_apart.py", "lesion_first/__init__.py", "lesion_first/part.py"]
    assert packages.first_version("lesion-first", [str(folder)]) == "1"


def test_a_failed_installation_leaves_all_as_it_was(tmp_path):
    folder = tmp_path / "own" / "python"
    put(folder, "lesion-apart", "3.0")
    pip = FakePip()
    pip.fails = True
    with pytest.raises(DependencyError):
        installing.install_apart(pip, [], [Found(APART)], folder)
    assert names_in(folder) == ["lesion_apart.py"]
    assert [path.name for path in folder.parent.iterdir()] == ["python"]


def test_wheels_are_known_by_their_names(tmp_path):
    for name in ("Scikit_Image-0.25-cp311-cp311-linux_x86_64.whl", "torch-2.4-py3-none-any.whl", "readme.txt"):
        (tmp_path / name).touch()
    assert installing.wheels_in(tmp_path) == {"scikit-image", "torch"}
    with pytest.raises(InputError, match="cannot be read"):
        installing.wheels_in(tmp_path / "none")


def test_the_command_for_another_computer_holds_what_slicer_has():
    command = installing.download_command(["torch", "scikit-image"])
    assert command.startswith("PythonSlicer -m pip download --only-binary=:all: --dest wheels ")
    assert '"torch>=2.2"' in command
    assert f'"numpy=={packages.first_version("numpy")}"' in command


def test_the_worker_sees_our_own_folder_before_what_slicer_has(site, tmp_path):
    """``child.py --path``: an older library elsewhere does not come first."""
    put(site, "lesion-apart", "2.4", {"lesion_apart.py": "VERSION = 2\n"})
    put(tmp_path / "own", "lesion-apart", "3.0", {"lesion_apart.py": "VERSION = 3\n"})
    code = (
        "import sys, runpy; sys.path.insert(0, sys.argv[2]); sys.argv = ['child.py', '--folder', '.', '--path', sys.argv[1]]\n"
        "import LesionDetectionLib.app.worker.serving as s\n"
        "s.serve = lambda folder: print(__import__('lesion_apart').VERSION)\n"
        "from LesionDetectionLib.app.worker import child\n"
        "child.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "own"), str(site)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "3"
