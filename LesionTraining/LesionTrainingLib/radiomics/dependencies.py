"""The libraries that only radiomics needs."""

from __future__ import annotations

from importlib.util import find_spec

from LesionDetectionLib.core.errors import DependencyError

_PACKAGES = {"mirp": "MIRP", "sklearn": "scikit-learn"}


def require(*modules: str) -> None:
    """Raises DependencyError, with what to type, where one of these modules is not installed; nothing is loaded."""
    missing = [_PACKAGES.get(name, name) for name in modules if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f'This needs {" and ".join(missing)}, not installed here: pip install "slicer-lesion-detection[radiomics]".'
        )
