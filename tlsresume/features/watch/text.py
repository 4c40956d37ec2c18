"""What `watch` tells people: the keys of each address, on a line of time.

Each key name of a target has a letter; a column of the line of time is a slice of the
watch, and shows the key that was seen in it (`*` where there were several, `.` where no
sample was taken).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from string import ascii_lowercase, ascii_uppercase

from tlsresume.features.watch.samples import KeyLife, Sample, Sighting, WatchedTarget, WatchReport
from tlsresume.formats.causes_text import ANSWER_ROWS, put_causes
from tlsresume.formats.findings import put_finding
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, View, pad
from tlsresume.targets.target import format_endpoint
from tlsresume.units import count, duration, short_key

_LETTERS = ascii_uppercase + ascii_lowercase
_MANY, _NOTHING = "*", "."
_STYLES = ("bold cyan", "bold yellow", "bold magenta", "bold green", "bold blue", "bold red")


def render_watch(report: WatchReport, view: View) -> str:
    """The whole report."""
    if not report.targets:
        return "No samples yet.\n"
    pages = []
    for target in report.targets:
        page = Page(view)
        put_watched(page, target)
        page.fit_screen(ANSWER_ROWS, told=bool(target.findings))
        pages.append(page.render())
    return "\n".join(pages)


def sample_line(sample: Sample) -> str:
    """One sample on one line, for logs."""
    time = datetime.fromtimestamp(sample.time).astimezone().isoformat(timespec="seconds")
    if sample.error is not None:
        return f"{time} {sample.target}: failed: {sample.error}"
    keys: dict[str, list[str]] = {}
    for seen in sample.sightings:
        names = keys.setdefault(format_endpoint(seen.address, seen.port), [])
        name = key_words(seen)
        if name not in names:
            names.append(name)
    words = [f"{place} {'+'.join(names)}" for place, names in keys.items()]
    words += [
        f"a session of {short_key(offer.old_key or '?')} across the rotation: {offer.outcome}"
        for offer in sample.offers
        if offer.crosses
    ]
    words += [
        f"a session {duration(offer.age)} old: declined"
        for offer in sample.offers
        if offer.outcome == "declined" and not offer.crosses
    ]
    return f"{time} {sample.target}: {', '.join(words) or 'no tickets'}"


def key_words(key: Sighting | KeyLife) -> str:
    """A key by its name, or why it has none."""
    if key.key_name is not None:
        return short_key(key.key_name)
    return "stateful" if key.stateful else "no key name"


def letters(target: WatchedTarget) -> dict[str | None, str]:
    """A letter for each key name, in the order of their first sight."""
    names = list(dict.fromkeys(k.key_name for k in sorted(target.keys, key=lambda k: k.first)))
    return {name: _LETTERS[at] if at < len(_LETTERS) else "#" for at, name in enumerate(names)}


def put_watched(page: Page, target: WatchedTarget) -> None:
    """One target: its line of time, its keys, rotations and what is wrong."""
    facts = [count(target.samples, "sample"), count(target.connections, "connection")]
    if target.failed:
        facts.append(f"{target.failed} failed")
    page.line((target.target, STRONG), "  ", (", ".join(facts), FAINT))
    if target.error is not None:
        page.prose(target.error, first="The last sample failed: ", style=BAD)
    if target.keys:
        page.line((f"{target.first} to {target.last}", FAINT))
        _put_timeline(page, target)
        _put_keys(page, target)
    if any(key.key_name is None and not key.stateful for key in target.keys):
        page.prose(
            "where tickets name no key, a rotation shows only by a session from the sample before"
            " that is declined.",
            first="Not visible: ",
            style=FAINT,
        )
    with page.aside(2):
        _put_rotations(page, target)
    if not page.view.verbose:
        put_causes(page, target.findings)
        return
    for finding in target.findings:
        page.line()
        put_finding(page, finding)


def _put_rotations(page: Page, target: WatchedTarget) -> None:
    """The rotations that were seen, what they did to sessions, and who is behind."""
    for rotation in target.rotations:
        both = f", both seen for {duration(rotation.overlap)}" if rotation.overlap else ""
        page.prose(
            f"{format_endpoint(rotation.address, rotation.port)}: {short_key(rotation.old_key)} to"
            f" {short_key(rotation.new_key)} between {rotation.after} and {rotation.by}{both}",
            first="Rotation: ",
            style=STRONG,
        )
    for across in target.across:
        page.prose(
            f"{across.resumed} of {count(across.offered, 'session')} under"
            f" {short_key(across.old_key)} resumed after {short_key(across.new_key)} came"
            f" ({format_endpoint(across.address, across.port)})",
            first="Across the rotation: ",
            style=GOOD if across.resumed == across.offered else FAIR,
        )
    for step in target.out_of_step:
        until = f"until {step.until}" if step.until else "until now"
        page.prose(
            f"from {step.since} {until}: {', '.join(step.behind)} behind key"
            f" {short_key(step.newest)}",
            first="Out of step: ",
            style=FAIR if step.until else BAD,
        )


def _put_timeline(page: Page, target: WatchedTarget) -> None:
    named = letters(target)
    places = list(dict.fromkeys((key.address, key.port) for key in target.keys))
    wide = max(len(format_endpoint(*place)) for place in places) + 2
    room = max(10, min(60, page.view.width - wide - 4))
    for place in places:
        keys = [key for key in target.keys if (key.address, key.port) == place]
        cells = _cells(keys, target, named, room)
        page.line(
            "  ",
            pad(format_endpoint(*place), wide),
            *(("".join(run), _style(letter)) for letter, run in groupby(cells)),
        )


def _style(letter: str) -> str:
    if letter == _NOTHING:
        return FAINT
    return FAIR if letter == _MANY else _STYLES[_LETTERS.find(letter) % len(_STYLES)]


def _cells(
    keys: Sequence[KeyLife], target: WatchedTarget, named: dict[str | None, str], room: int
) -> list[str]:
    """A letter for each slice of time."""
    start, end = when(target.first or ""), when(target.last or "")
    columns = room if end > start else 1
    cells = [_NOTHING] * columns
    for key in keys:
        for span in key.spans:
            first = slot(when(span.first), start, end, columns)
            last = slot(when(span.last), start, end, columns)
            for at in range(first, last + 1):
                known = cells[at]
                letter = named[key.key_name]
                cells[at] = letter if known in (_NOTHING, letter) else _MANY
    return cells


def when(time: str) -> float:
    """Seconds since 1970 of a time in ISO 8601."""
    return datetime.fromisoformat(time).timestamp()


def slot(time: float, start: float, end: float, columns: int) -> int:
    """The column that a point in time falls into."""
    if end <= start:
        return 0
    return min(columns - 1, int((time - start) / (end - start) * columns))


def _put_keys(page: Page, target: WatchedTarget) -> None:
    named = letters(target)
    for key in target.keys:
        age = duration(key.seconds) if key.seconds else "once"
        with page.aside(1 if key.current else 3):
            page.line(
                "  ",
                (named[key.key_name], _style(named[key.key_name])),
                " ",
                pad(key_words(key), 12),
                pad(format_endpoint(key.address, key.port), 24),
                f"{key.first} to {key.last}, {age}, {count(key.samples, 'sample')}",
                ("" if key.current else "  gone", FAINT),
            )
