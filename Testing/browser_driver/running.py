"""``lesion view`` and Chromium, started and ended."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .looking import PATIENCE_S

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""No screen, no GPU, and not a word to anybody but the viewer."""
_LINK = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")
_END_S = 30


def chromium_path() -> str:
    """Where Chromium is; empty where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""


@contextlib.contextmanager
def chromium(path: str) -> Iterator[Any]:
    """A browser of Playwright, which keeps an event loop of its own in the process until the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


@dataclass
class Served:
    """A viewer that is running.

    Attributes:
        process: of the program.
        temporary: where it keeps what it needs while it runs.
        link: with its token, as the program printed it.
        lines: what it has printed until now, on both outputs.
    """

    process: subprocess.Popen
    temporary: Path
    link: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.link.split("?")[0]

    def printed(self) -> str:
        return "".join(self.lines)

    def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            return self.process.wait(_END_S)
        finally:
            self.process.kill()
            self.process.wait()


def served(folder: Path, *arguments: object) -> Served:
    """Start ``lesion view`` with these arguments, and wait until it listens.

    Args:
        folder: empty; gets the folders of this viewer, of models and of what it keeps while it runs.
    """
    for name in ("models", "temporary"):
        (folder / name).mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "LesionDetectionLib.app.command_line", "view", "--no-browser", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "LESION_MODELS": str(folder / "models"),
            "TMPDIR": str(folder / "temporary"),
        },
    )
    started = Served(process, folder / "temporary")
    there = threading.Event()

    def read() -> None:
        with process.stdout:
            for line in process.stdout:
                started.lines.append(line)
                if found := _LINK.search(line):
                    started.link = found.group()
                    there.set()
        there.set()

    threading.Thread(target=read, daemon=True).start()
    if not there.wait(PATIENCE_S) or not started.link:
        started.stop()
        raise AssertionError(f"The viewer does not start:\n{started.printed()}")
    return started
