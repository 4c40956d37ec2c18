"""What the tool prints of known results, to be compared letter by letter.

`make test` compares; TLSRESUME_UPDATE_GOLDEN=1 makes pytest write the files
anew, and their diff is then to be read like code.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def check(name: str, text: str) -> None:
    """Compare a text with the golden file of that name."""
    path = FOLDER / name
    if os.environ.get("TLSRESUME_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")
