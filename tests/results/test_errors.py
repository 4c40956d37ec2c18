"""The exception tree: every error has a side, a status and its data."""

from __future__ import annotations

import itertools
from typing import Any

from tests.helpers.rows import each_row
from tlsresume import errors
from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.errors import (
    EXIT_STATUS_MEANING,
    EXIT_STATUS_PRECEDENCE,
    ExitStatus,
    FileError,
    TLSResumeError,
    worst_status,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, TLSResumeError)
]
STATUSES = {
    "UsageError": 2,
    "BindingError": 1,
    "LocalError": 5,
    "FileError": 7,
    "SessionFileError": 7,
    "OutputFileError": 7,
    "PeerError": 5,
    "ResolveError": 5,
    "ConnectError": 5,
    "HandshakeError": 5,
}


@each_row("kind", CLASSES)
def test_the_docstring_draws_the_tree(kind):
    """Each class is in the module's drawing, and has a docstring of its own."""
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__
    assert kind.__doc__


@each_row("name, status", STATUSES.items())
def test_each_side_has_its_exit_status(name, status):
    """Who is at fault decides the exit status."""
    assert getattr(errors, name).exit_status == status


@each_row("kind", CLASSES)
def test_an_error_carries_data(kind):
    """Message, hints and stack can be read without parsing text."""
    stack = ErrorStack("SSL_read", "-1", (ErrorEntry("SSL routines", "bad", 1),))
    more = {"path": "file"} if issubclass(kind, FileError) else {}
    error = kind("what", hints=("try",), stack=stack, **more)
    assert str(error) == error.message == "what"
    assert error.hints == ("try",)
    assert error.stack is stack


def test_every_status_has_its_meaning():
    """The man pages can list each status."""
    assert EXIT_STATUS_MEANING.keys() == set(ExitStatus)


def test_the_worst_of_several_statuses():
    """7, 6, 3, 5, 4: the first of these that occurred, in whatever order; else 0."""
    assert [int(status) for status in EXIT_STATUS_PRECEDENCE] == [7, 6, 3, 5, 4]
    assert worst_status([]) is ExitStatus.OK
    assert worst_status([ExitStatus.OK]) is ExitStatus.OK
    for first, second in itertools.combinations(EXIT_STATUS_PRECEDENCE, 2):
        assert worst_status([ExitStatus.OK, second, first]) is first
        assert worst_status([first, second]) is first


def test_every_error_travels_between_processes():
    """What a process of ours raises arrives whole in another one."""
    import pickle

    from tlsresume import errors

    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TLSResumeError)
    ]
    for kind in kinds:
        more: dict[str, Any] = {"path": "p"} if issubclass(kind, errors.FileError) else {}
        error = kind("no", hints=("try",), **more)
        back = pickle.loads(pickle.dumps(error))
        assert type(back) is kind
        assert back.__dict__ == error.__dict__
        assert str(back) == str(error)
