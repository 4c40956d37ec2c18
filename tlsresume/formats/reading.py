"""Reading a report back: what `--format json` wrote, now or by an earlier version.

Within a schema number fields are only added, so a missing one has its default and one
that is not known here is left alone. A word that is not known is read as `unknown`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.errors import ReportFileError
from tlsresume.formats.newer_words import convert
from tlsresume.results.report import SCHEMA, Report
from tlsresume.sessions.unwrap import decode_text

#: Ten thousand targets with all their attempts stay below this.
LARGEST = 512 * 1024 * 1024


def parse_report(data: bytes, name: str) -> Report:
    """The report in a JSON document of `probe`. Raises ReportFileError naming `name`."""
    if len(data) > LARGEST:
        raise ReportFileError(f"{name} is too large for a report", path=name)
    try:
        # A shell or an editor may have put a mark before it, or made it UTF-16.
        whole: Any = msgspec.json.decode(decode_text(data)[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportFileError(f"{name} is not JSON: {_lower(str(error))}", path=name) from None
    if not isinstance(whole, dict) or "schema" not in whole:
        raise ReportFileError(
            f"{name} is not a report of tlsresume",
            path=name,
            hints=("a report is what probe --format json=FILE writes",),
        )
    number = whole["schema"]
    if number != SCHEMA:
        raise ReportFileError(
            f"{name} has report schema {str(number)[:20]}, this version reads {SCHEMA}", path=name
        )
    if "targets" not in whole:
        what = "the report of a run that failed" if "error" in whole else "not a report of probe"
        raise ReportFileError(f"{name} is {what}", path=name)
    try:
        return convert(whole, Report)
    except msgspec.ValidationError as error:
        raise ReportFileError(f"{name} is not a report: {_lower(str(error))}", path=name) from None


def _lower(text: str) -> str:
    """Begun in lower case, unless by a word in capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
