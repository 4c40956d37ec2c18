"""Reading TOML that anybody may have written: a size limit, and linear work.

Used for policies and configuration files. The text alone is read here; which keys may
stand in it is the caller's business.
"""

from __future__ import annotations

import re
from typing import Any

from tlsresume.errors import FileError

#: No file that people write comes near this, in characters.
LARGEST = 1024 * 1024

#: The longest keys that mean anything have five parts. The work of tomllib on one key grows with
#: the square of the number of its parts, so more of them are refused unread.
_MOST_PARTS = 64
#: A key of more parts than that, also inside a text or a comment, where nobody writes one.
#: Possessive, and begun at the begin of a part only: so the search is linear.
_PART = r"(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')"
_LONG_KEY = rf"(?<![A-Za-z0-9_.\-\"'\\])(?:{_PART}[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}"
#: How much of an error of tomllib, which quotes the text, is repeated.
_SHOWN = 200


def parse_toml(text: str, name: str, what: str, error: type[FileError]) -> dict[str, Any]:
    """The tables of a TOML text. `name` is the file's and `what` says what it should be, such as
    "a policy", both for messages. Raises `error`."""
    import tomllib

    if len(text) > LARGEST:
        raise error(f"{name} is too large for {what}", path=name)
    if long := re.search(_LONG_KEY, text):
        line = text.count("\n", 0, long.start()) + 1
        raise error(f"{name}, line {line}: a key of more than {_MOST_PARTS} parts", path=name)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{name} is nested too deeply for {what}", path=name) from None
    except ValueError as reason:
        said = str(reason)
        said = said[:1].lower() + said[1:]
        shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
        raise error(f"{name} is not TOML: {shown}", path=name) from None
