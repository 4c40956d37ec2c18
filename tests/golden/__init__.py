"""What the tool prints of known results, to be compared letter by letter.

`make test` compares; TLSRESUME_UPDATE_GOLDEN=1 makes pytest write the files
anew, and their diff is then to be read like code.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent

#: Read when tests are collected: while they run, no such variable of the user's is set.
_UPDATE = bool(os.environ.get("TLSRESUME_UPDATE_GOLDEN"))


def check(name: str, text: str) -> None:
    """Compare a text with the golden file of that name."""
    path = FOLDER / name
    if _UPDATE:
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")
