"""What the command line shows while it works, and how it is stopped."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from LesionDetectionLib.core.progress import Progress

_LOG_STEP, _LOG_LEAST_STEP = 0.1, 0.02
"""Where standard error is no terminal but a log: a line at every tenth of the work, and where something else is being done,
if a fiftieth has passed since the last."""


@contextlib.contextmanager
def shown_progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error; Ctrl-C and SIGTERM cancel the work at its next step.

    A second Ctrl-C interrupts at once. What was there before is there again afterwards.
    """
    with _display(quiet) as progress, _cancel_on_signals(progress):
        yield progress


@contextlib.contextmanager
def _display(quiet: bool) -> Iterator[Progress]:
    if quiet:
        yield Progress()
    elif sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=100, bar_format="{desc:<34.34} {bar} {percentage:3.0f} %  {elapsed}", leave=False) as bar:

            def show(fraction: float, text: str) -> None:
                bar.set_description_str(text, refresh=False)
                bar.n = 100 * fraction
                bar.refresh()

            yield Progress(show)
    else:
        last_fraction, last_text = -1.0, ""

        def log(fraction: float, text: str) -> None:
            nonlocal last_fraction, last_text
            gone = fraction - last_fraction
            if gone >= _LOG_STEP or (text != last_text and gone >= _LOG_LEAST_STEP) or (fraction == 1 and gone):
                last_fraction, last_text = fraction, text
                print(f"{100 * fraction:3.0f} %  {text}", file=sys.stderr, flush=True)

        yield Progress(log)


@contextlib.contextmanager
def _cancel_on_signals(progress: Progress) -> Iterator[None]:
    def stop(number: int, _frame: FrameType | None) -> None:
        if progress.cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        progress.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(line: str) -> None:
    """A line that stays, above a progress bar where there is one."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        tqdm.write(line)
    else:
        print(line, flush=True)


def silent(_line: str) -> None:
    """Say nothing."""
