"""``lesion``: the program on the command line. One file a command in ``commands``; this one finds and runs them.

Exit codes: 0 done; 2 a wrong argument; 3 an image that cannot be used; 4 a model that is refused; 5 no such device or not
enough of its memory; 6 results that cannot be written; 7 a missing library; 1 any other error; 130 cancelled.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib import __version__
from LesionDetectionLib.core.errors import Cancelled, LesionDetectionError, UsageError

_BEGIN = """begin with:
  lesion phantom chest --output phantoms
  lesion detect phantoms/chest-phantom-0000.nrrd --method nodule-ct --output results
  and open results/report.html; “lesion COMMAND --help” has more examples

exit codes:
  0 done; 2 a wrong argument; 3 an image that cannot be used; 4 a model that is refused; 5 no such device or not enough of its
  memory; 6 results that cannot be written; 7 a missing library; 1 any other error; 130 cancelled
"""
_POSITIONS = ("--at", "--long", "--short")
"""Options whose value may begin with a minus sign."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code. Errors that a user can cause are one sentence on standard error."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a pipe of Windows, an old locale: signs that it lacks are no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        parser = build_parser()
        if not given:
            parser.print_help(sys.stderr)
            return UsageError.exit_code
        options = parser.parse_args(_join_positions(given))
        options.run(options)
    except LesionDetectionError as error:
        print(f"lesion: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"lesion: {Cancelled()}", file=sys.stderr)
        return Cancelled.exit_code
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - so that the interpreter's last flush does not fail
        return 0
    except Exception as error:
        if os.environ.get("LESION_DEBUG"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"lesion: an unexpected error stopped the program, and nothing was written: {type(error).__name__}: {error} "
            f"({Path(where.filename).name}, line {where.lineno}). This is a fault of ours: set LESION_DEBUG=1 to see "
            "all of it, and report it.",
            file=sys.stderr,
        )
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    # Here and not above, so that Ctrl-C while they load is no traceback.
    from LesionDetectionLib.app.commands import (
        anchors,
        cohort,
        detect,
        evaluate,
        follow_up,
        measure,
        methods,
        model,
        options,
        phantom,
        radiomics,
        recist_mask,
        reproduce,
        suv,
        train,
        tune,
        view,
    )

    parser = argparse.ArgumentParser(
        prog="lesion",
        usage="%(prog)s COMMAND [options]",
        description="Find and measure lesions in CT and PET. For research; not a medical device.",
        epilog=_BEGIN,
        formatter_class=options.HelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands", prog="lesion")
    for scans in (detect, measure, view, methods, recist_mask, suv, follow_up, phantom):
        scans.add_parser(commands)
    for cohorts in (cohort, train, evaluate, model, tune, anchors, radiomics, reproduce):
        cohorts.add_parser(commands)
    parser.add_argument("--version", action="version", version=f"lesion {__version__}")
    return parser


def _join_positions(arguments: list[str]) -> list[str]:
    """``--at -57, 131, -520`` -> ``--at=-57,131,-520``: argparse would take the minus sign for an option, as it stands in
    Slicer's positions, with a blank after each comma."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _POSITIONS:
            joined[-1] = f"{joined[-1]}={argument}"
        elif joined and joined[-1].endswith(",") and joined[-1].partition("=")[0] in _POSITIONS:
            joined[-1] += argument
        else:
            joined.append(argument)
    return joined


if __name__ == "__main__":
    sys.exit(main())
