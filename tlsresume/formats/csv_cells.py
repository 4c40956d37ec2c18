"""Rows of CSV (RFC 4180), as every writer of ours makes them.

A spreadsheet takes a cell that begins with one of `=+-@`, a tab or a line end for a formula,
and carries it out. Such text begins with an apostrophe here, which spreadsheets show as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from tlsresume.formats.printable import printable_in_log

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: What a spreadsheet takes off, before it looks whether a cell is a formula.
_BLANK = " \u00a0"


def csv_row(values: Iterable[object]) -> str:
    """One row with its line end: None is an empty cell, a number is written as it is, text is
    made safe."""
    into = io.StringIO()
    csv.writer(into, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return into.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    text = printable_in_log(str(value))
    return f"'{text}" if text.lstrip(_BLANK).startswith(_FORMULA) else text
