"""Errors in words: the line, OpenSSL's error stack as a trace, the hints.

Used for errors inside a report (which are data) and for those that end a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsresume.error_queue import ErrorStack
from tlsresume.formats.page import BAD, FAINT, STRONG, Page

if TYPE_CHECKING:
    from tlsresume.results.measured import ErrorResult


def put_stack(page: Page, stack: ErrorStack) -> None:
    """OpenSSL's error queue: the call, then each entry, oldest first."""
    call = f"{stack.call} returned {stack.returned}"
    if not stack.entries:
        page.line(f"{call}; the error queue is empty: OpenSSL gave no reason")
        return
    page.line(f"{call}; the error queue, oldest first:")
    for number, entry in enumerate(stack.entries, 1):
        lead = f"  #{number} "
        page.line(lead, (f"{entry.library}: {entry.reason}", STRONG))
        data = "" if entry.data is None else f", data: {entry.data}"
        page.line(" " * len(lead), f"code {entry.code:08X}{data}")


def put_hints(page: Page, hints: tuple[str, ...]) -> None:
    """The next steps, one `hint:` each."""
    for hint in hints:
        page.prose(hint, first="hint: ", style=FAINT)


def put_error(page: Page, error: ErrorResult, *, where: str = "") -> None:
    """An error of a target, an address or a session: line, stack, hints."""
    label = f"{where}: " if where and where not in error.message else ""
    page.prose(label + error.message, first="error: ", style=BAD)
    if error.stack is not None:
        put_stack(page, error.stack)
    put_hints(page, error.hints)
