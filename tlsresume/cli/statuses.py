"""Exit statuses of `save` and `resume`, and what `--exit-zero` makes of one.

The meanings are in `tlsresume.errors.ExitStatus`. That of a probe comes from its
verdicts, in `tlsresume.scan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsresume.errors import ExitStatus, worst_status
from tlsresume.results import ResumeResult, SaveResult

if TYPE_CHECKING:
    from tlsresume.policy.demands import Expected

#: What `--exit-zero` forgives: answers, never failures to get one.
_FORGIVEN = (ExitStatus.NOT_AS_ASKED, ExitStatus.INCONCLUSIVE, ExitStatus.FAILS_WITH_SESSION)


def with_exit_zero(status: ExitStatus, *, exit_zero: bool) -> ExitStatus:
    """The status, or 0 for an answer that the user does not want to fail on."""
    return ExitStatus.OK if exit_zero and status in _FORGIVEN else status


def save_status(result: SaveResult) -> ExitStatus:
    """0 saved, 3 no session came, 5 no connection."""
    if result.error is not None:
        return ExitStatus.UNREACHABLE
    return ExitStatus.OK if result.saved else ExitStatus.NOT_AS_ASKED


def expected_status(result: ResumeResult, expected: Expected, min_rate: float | None) -> ExitStatus:
    """The status of a resumption, by what was expected of it and how often."""
    if result.interrupted:
        return ExitStatus.INTERRUPTED
    if result.each_address:
        each = result.each_address
        return worst_status([expected_status(one, expected, min_rate) for one in each])
    plain = resume_status(result)
    if plain not in (ExitStatus.OK, ExitStatus.NOT_AS_ASKED):
        return plain
    match expected:
        case "any":
            return ExitStatus.OK
        case "not-resumed":
            never = "R" not in result.tries.order and not result.session_reused
            return ExitStatus.OK if never else ExitStatus.NOT_AS_ASKED
    if min_rate is not None and result.tries.rate is not None and result.disagreement is None:
        enough = result.tries.rate >= min_rate - 1e-9
        return ExitStatus.OK if enough else ExitStatus.NOT_AS_ASKED
    return plain


def resume_status(result: ResumeResult) -> ExitStatus:
    """0 when every try on every address was reused, and OpenSSL and the wire agree."""
    if result.each_address:
        return worst_status([resume_status(each) for each in result.each_address])
    if result.error is not None or result.session_reused is None:
        if result.fails_with_session:
            return ExitStatus.FAILS_WITH_SESSION
        if result.set_session == 0:
            return ExitStatus.FILE
        if result.error is not None and result.error.kind == "cancelled":
            return ExitStatus.INCONCLUSIVE
        return ExitStatus.UNREACHABLE
    every_try = set(result.tries.order) <= {"R"}
    if result.session_reused and every_try and result.disagreement is None:
        return ExitStatus.OK
    return ExitStatus.NOT_AS_ASKED
