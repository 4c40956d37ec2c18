"""What can go wrong, blamed by side, with an exit status and hints.

    TLSResumeError
    +-- UsageError        ours: the caller asked for something that makes no sense
    +-- BindingError      ours: the installed pyOpenSSL or cryptography lacks a name
    +-- LocalError        ours: this machine has no descriptor, port or memory left
    +-- FileError         the file: a session, policy, key or output file
    |   +-- SessionFileError
    |   +-- OutputFileError
    |   +-- PolicyFileError
    |   +-- KeyFileError
    |   +-- HistoryFileError
    |   +-- ReportFileError
    |   +-- CaptureFileError
    |   +-- ConfigurationFileError
    +-- PeerError         theirs or the network's: the target, or the way to it
    |   +-- ResolveError
    |   +-- ConnectError
    |   +-- PreludeError
    |   +-- HandshakeError
    +-- SessionError      the bytes: no session that OpenSSL could have written
    +-- BudgetSpent       the connections allowed for a target are used up
    |   +-- LimitedByServer   or those that the server allows

An error carries data, never only text; `cli/` turns it into words, once.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tlsresume.error_queue import ErrorStack


class ExitStatus(IntEnum):
    """What the process says when it ends; each man page lists these."""

    OK = 0
    BUG = 1
    USAGE = 2
    NOT_AS_ASKED = 3
    INCONCLUSIVE = 4
    UNREACHABLE = 5
    FAILS_WITH_SESSION = 6
    FILE = 7
    INTERRUPTED = 130


EXIT_STATUS_MEANING: dict[ExitStatus, str] = {
    ExitStatus.OK: "as asked: the session was resumed, the server resumes, the file was read",
    ExitStatus.BUG: "a bug in tlsresume, or an installation that cannot work",
    ExitStatus.USAGE: "usage: an option or a target makes no sense",
    ExitStatus.NOT_AS_ASKED: "the answer is not what was asked: New, partly, does-not-resume,"
    " no session to save, policy broken; or a finding is an error: users are hurt, or security is"
    " lost",
    ExitStatus.INCONCLUSIVE: "inconclusive: the server was reached, but could not be judged",
    ExitStatus.UNREACHABLE: "a target could not be reached, or its handshake fails also"
    " without a session",
    ExitStatus.FAILS_WITH_SESSION: "the handshake fails only when the session is offered",
    ExitStatus.FILE: "a session, policy, key, capture or configuration file cannot be used, or an"
    " output file cannot be written",
    ExitStatus.INTERRUPTED: "interrupted (Ctrl-C, SIGTERM); what was known by then was printed",
}

#: Over several targets the first of these that occurred is the exit status.
EXIT_STATUS_PRECEDENCE: tuple[ExitStatus, ...] = (
    ExitStatus.FILE,
    ExitStatus.FAILS_WITH_SESSION,
    ExitStatus.NOT_AS_ASKED,
    ExitStatus.UNREACHABLE,
    ExitStatus.INCONCLUSIVE,
)


def worst_status(statuses: list[ExitStatus]) -> ExitStatus:
    """The one exit status that stands for several, by `EXIT_STATUS_PRECEDENCE`."""
    for status in EXIT_STATUS_PRECEDENCE:
        if status in statuses:
            return status
    return ExitStatus.OK


class TLSResumeError(Exception):
    """Base of every error of this package.

    `message` is one lower-case line; `hints` are next steps, one sentence each. `details` are
    lines that belong to the message, where several things are wrong.
    """

    exit_status = ExitStatus.BUG

    def __init__(
        self,
        message: str,
        *,
        hints: tuple[str, ...] = (),
        stack: ErrorStack | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints
        self.stack = stack
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel between processes, whatever their constructors want."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[TLSResumeError], arguments: tuple[object, ...], state: dict[str, object]
) -> TLSResumeError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UsageError(TLSResumeError, ValueError):
    """The caller asked for something that makes no sense."""

    exit_status = ExitStatus.USAGE


class BindingError(TLSResumeError):
    """The installed pyOpenSSL or cryptography lacks a name that is needed."""


class LocalError(TLSResumeError):
    """This machine has no descriptor, local port or memory left: no word on any server.

    Its status is `UNREACHABLE`, or `INCONCLUSIVE` where the target had been reached before.
    """

    exit_status = ExitStatus.UNREACHABLE

    def after_contact(self) -> LocalError:
        """The same error, of a target that had been reached."""
        error = LocalError(self.message, hints=self.hints, stack=self.stack)
        error.exit_status = ExitStatus.INCONCLUSIVE
        return error


class FileError(TLSResumeError):
    """A file cannot be used."""

    exit_status = ExitStatus.FILE

    def __init__(
        self,
        message: str,
        *,
        path: str,
        hints: tuple[str, ...] = (),
        stack: ErrorStack | None = None,
    ) -> None:
        super().__init__(message, hints=hints, stack=stack)
        self.path = path


class SessionFileError(FileError):
    """A session file cannot be read, or holds no session."""


class OutputFileError(FileError):
    """An output file cannot be written."""


class PolicyFileError(FileError):
    """A policy cannot be read, or makes no sense."""


class KeyFileError(FileError):
    """A file of ticket keys cannot be read, or holds none."""


class HistoryFileError(FileError):
    """A history of `watch` cannot be read or written."""


class ReportFileError(FileError):
    """An earlier report cannot be read."""


class CaptureFileError(FileError):
    """A capture, or a key log beside it, cannot be read."""


class ConfigurationFileError(FileError):
    """A configuration file cannot be read, or sets what it must not."""


class PeerError(TLSResumeError):
    """The target, or the way to it, failed."""

    exit_status = ExitStatus.UNREACHABLE


class ResolveError(PeerError):
    """The name has no address."""


class ConnectError(PeerError):
    """No connection could be made."""


class PreludeError(PeerError):
    """What is said in clear before TLS went wrong; `why` says in what way."""

    def __init__(
        self,
        message: str,
        *,
        why: Literal[
            "refused", "garbled", "closed", "too-much", "injection", "rate-limit"
        ] = "refused",
        hints: tuple[str, ...] = (),
        stack: ErrorStack | None = None,
    ) -> None:
        super().__init__(message, hints=hints, stack=stack)
        self.why = why


class HandshakeError(PeerError):
    """The TLS handshake failed."""


class SessionError(TLSResumeError):
    """The bytes are not a TLS session that OpenSSL could have written."""


class BudgetSpent(TLSResumeError):
    """The connections allowed for a target (`--budget`) are used up."""


class LimitedByServer(BudgetSpent):
    """The server said that it allows no more connections now, and waiting did not help."""


def reason_of(error: OSError | ValueError) -> str:
    """Why a file or socket could not be used, in lower case, without its name."""
    return str(getattr(error, "strerror", None) or error).lower()


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to tell of, out of a TaskGroup: ours before others."""
    flat = [
        first_of(error) if isinstance(error, BaseExceptionGroup) else error
        for error in group.exceptions
    ]
    return next((error for error in flat if isinstance(error, TLSResumeError)), flat[0])
