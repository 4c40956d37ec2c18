"""Early data in the first screen of `probe`: one line of answers, and where to look in the log."""

from __future__ import annotations

import shlex

from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, UNSURE, Page
from tlsresume.results.early_data import EarlyData, EarlyReason

_LABEL = "  early data  "

#: Why early data was rejected, in few words.
REASON_WORDS: dict[EarlyReason, str] = {
    "hello-retry": "after a HelloRetryRequest",
    "session-declined": "the session was declined",
    "server-choice": "though the session is resumed",
    "replay-refused": "replays are refused",
    "stale": "old ones are refused",
}


def put_early_data(page: Page, early: EarlyData | None, where: str | None = None) -> None:
    """The line, and a command that counts our requests in a server's log. `where` is the
    address, where another answers otherwise."""
    if early is None:
        return
    words = early_words(early)
    told = words if where is None else f"on {where} {words}"
    page.prose(told, first=_LABEL, style=_style(early))
    if early.log_pattern is not None:
        words = "how often each request was executed, the server's log tells:"
        page.prose(words, first=" " * len(_LABEL), text_style=FAINT)
        page.line(f"    grep -oE {shlex.quote(early.log_pattern)} access.log | sort | uniq -c")


def early_words(early: EarlyData) -> str:
    """`accepted; replay accepted (2 of 2); answered before the handshake ended: ...`."""
    if not early.max:
        return "tickets allow none"
    return "; ".join([_taken(early), *_replays(early), *_answered(early)])


def _taken(early: EarlyData) -> str:
    if early.accepted is None:
        return f"tickets allow {early.max} bytes; whether it is accepted could not be told"
    if not early.accepted:
        words = f"rejected, {REASON_WORDS[early.reason]}" if early.reason else "rejected"
        return f"{words} ({early.group})" if early.group else words
    if early.group:
        return f"accepted with a key share of {early.group}, else rejected"
    return "accepted"


def _replays(early: EarlyData) -> list[str]:
    told = early.replays
    if not told:
        return ["replay not tested"] if early.accepted else []
    taken = told.count("accepted")
    if taken:
        return [f"replay accepted ({taken} of {len(told)})"]
    if "failed" in told:
        return [f"replay fails ({told.count('failed')} of {len(told)})"]
    words = f"replay refused ({len(told)} of {len(told)})"
    return [f"{words}, though not the same ticket" if early.same_ticket == "accepted" else words]


def _answered(early: EarlyData) -> list[str]:
    words = []
    if early.unsafe_method is not None:
        words.append(_UNSAFE[early.unsafe_method].format(method=early.method))
    elif early.status == _TOO_EARLY:
        words.append("answered 425 Too Early")
    if early.status != _TOO_EARLY and early.answered_before_finished is not None:
        if not early.answered_before_finished:
            words.append("answered after the handshake only")
        elif "accepted" in early.replays or not early.replays:
            words.append("answered before the handshake ended: GET only what may happen twice")
        else:
            words.append("answered before the handshake ended")
    return words


_TOO_EARLY = 425

_UNSAFE = {
    "passed": "a {method} passes",
    "too-early": "a {method} gets 425 Too Early",
    "refused": "a {method} is refused",
}


def _style(early: EarlyData) -> str:
    if "accepted" in early.replays:
        return BAD if early.unsafe_method == "passed" else FAIR
    return UNSURE if early.max and early.accepted is None else GOOD
