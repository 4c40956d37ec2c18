"""The command line: parse, one call, render, exit status.

A command is a short function in a file of its own, imported when it is named,
and imports what it needs when it runs: `--version` and `--help` cost click and
nothing more. `root` has the group and the one place where errors become words.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit status."""
    import signal
    import sys
    import warnings

    from tlsresume import collecting

    collecting.start()
    from tlsresume.cli.root import run

    # Libraries warn, with a line of our source, of what is odd in a stranger's certificate.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    _stand_in_for_closed_streams()
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _terminated(_number: int, frame: FrameType | None) -> None:
    """SIGTERM, as of timeout(1) or a service manager, is Ctrl-C said by a program: what is
    known then is worth the same. It counts also where Ctrl-C is ignored, as of jobs behind `&`."""
    import signal

    interrupt = signal.getsignal(signal.SIGINT)
    if not callable(interrupt):
        interrupt = signal.default_int_handler
    interrupt(signal.SIGINT, frame)


def _stand_in_for_closed_streams() -> None:
    """Python has None for a standard stream that was closed (`>&-`), and the first socket would
    take its number. An output that does not exist cannot be written, which is an error that is
    told; an input that does not exist is empty."""
    import os
    import sys

    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
