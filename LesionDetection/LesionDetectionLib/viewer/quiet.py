"""What others must not do here: write to the terminal what no user needs, and take orders from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from typing import Any

SECRETS_OF_TRAME = ("TRAME_", "WSLINK_")
"""Beginnings of environment variables that move a trame server to another address, past its own limits, or into a log."""

_GONE = "Cannot write to closing transport"
"""In aiohttp's words."""

_log = logging.getLogger(__name__)


def forget_environment() -> None:
    """Nobody's environment opens the server to others, or has it log what it sends. Before trame is loaded."""
    for name in [name for name in os.environ if name.startswith(SECRETS_OF_TRAME)]:
        del os.environ[name]


def log_instead_of_print() -> None:
    """VTK's warnings (there is no X server, a window was given another size) go to the log, at the level for debugging."""
    from vtkmodules.vtkCommonCore import vtkCommand, vtkLogger, vtkOutputWindow

    def tell(_window: Any, _event: str, text: str = "") -> None:
        _log.debug("%s", text.strip())

    tell.CallDataType = "string0"  # type: ignore[attr-defined]
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    window = vtkOutputWindow.GetInstance()
    window.SetDisplayModeToNever()
    window.AddObserver(vtkCommand.MessageEvent, tell)


def pages_may_go(loop: asyncio.AbstractEventLoop) -> None:
    """A page that is loaded anew, or closed, while something is on its way to it is no fault: nobody waits for that."""

    def on_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), ConnectionError):
            _log.debug("A page has gone: %s", context["exception"])
            return
        loop.default_exception_handler(context)

    loop.set_exception_handler(on_fault)
    for name in ("wslink.protocol", "aiohttp.server"):
        logging.getLogger(name).addFilter(_is_a_fault)


def _is_a_fault(record: logging.LogRecord) -> bool:
    """Whether it is more than an answer that a page did not wait for. wslink says that there is an error before it says which."""
    text, error = record.getMessage(), record.exc_info[1] if record.exc_info else None
    return text != "Exception raised" and _GONE not in text and not isinstance(error, ConnectionError)


def orders(parser: Any, given: list[str]) -> None:
    """Let trame's parser of the command line read these words, and never those that this program was started with."""
    parser.parse_known_args = partial(type(parser).parse_known_args, parser, given)
