"""What the tool prints of known results, to be compared letter by letter.

`make test` compares; TLSRESUME_UPDATE_GOLDEN=1 makes pytest write the files
anew, and their diff is then to be read like code. Of a page the style sheet is left out.
"""

from __future__ import annotations

import os
import re

from tests.paths import GOLDEN

#: Read when tests are collected: while they run, no such variable of the user's is set.
_UPDATE = bool(os.environ.get("TLSRESUME_UPDATE_GOLDEN"))


def check(name: str, text: str) -> None:
    """Compare a text with the golden file of that name."""
    path = GOLDEN / name
    if path.suffix == ".html":
        text, styles = re.subn(r"(?s)(<style>).+?(</style>)", r"\1\2", text)
        assert styles == 1
    if _UPDATE:
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")
