"""OpenSSL's error queue as a value, since every side can hold one: its errors and its results."""

from __future__ import annotations

from tlsresume.value import Value


class ErrorEntry(Value, frozen=True):
    """One entry of OpenSSL's error queue (ERR_get_error(3)).

    `code` is the packed number; `data` is the entry's own text, or None where
    the bindings do not give it.
    """

    library: str
    reason: str
    code: int
    data: str | None = None


class ErrorStack(Value, frozen=True):
    """A failed OpenSSL call and the whole error queue it left, oldest entry first.

    An empty `entries` means that OpenSSL gave no reason.
    """

    call: str
    returned: str
    entries: tuple[ErrorEntry, ...]
