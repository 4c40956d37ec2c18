"""The HTML report of `watch`: what needs mending, and the keys on a line of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.features.watch.samples import KeyLife, WatchedTarget, WatchReport
from tlsresume.features.watch.text import key_words, letters, when
from tlsresume.formats.html_page import Cell, Style, Table, badge, code, link, needs_mending, page
from tlsresume.results.report import Tool
from tlsresume.targets.target import format_endpoint
from tlsresume.units import count, duration, short_key
from tlsresume.value import Value

#: Hues far apart, the golden angle round the circle; readable on white and on black.
_GOLDEN, _FIRST_HUE = 137.5, 205.0
#: The narrowest bar, in percent of the line.
_LEAST = 0.3


class Bar(Value, frozen=True):
    """A time in which a key was seen: percent from the left, and of the width."""

    left: str
    width: str
    words: str


class Row(Value, frozen=True):
    """One key on one address."""

    label: str
    colour: str
    bars: tuple[Bar, ...]


class Timeline(Value, frozen=True, kw_only=True):
    """A row per address and key, between two points in time."""

    words: str
    rows: tuple[Row, ...]
    first: str
    last: str


class _Shown(Value, frozen=True, kw_only=True):
    """A target as the page shows it; `why` is empty where nothing needs mending."""

    number: int
    target: WatchedTarget
    state: Cell
    why: str
    facts: str
    line: Timeline
    keys: Table
    events: tuple[str, ...]


def render_watch_html(report: WatchReport, tool: Tool, *, command: str = "") -> str:
    """The report as an HTML document, the targets that need mending first."""
    ordered = sorted(report.targets, key=_gravity)
    shown = [_shown(number, target) for number, target in enumerate(ordered, 1)]
    several = shown if len(shown) > 1 else ()
    return page(
        "formats/watch.html",
        tool,
        command=command,
        targets=shown,
        overview=_overview([each for each in several if each.why]),
        calm=_overview([each for each in several if not each.why]),
        history=report.history,
    )


def _gravity(target: WatchedTarget) -> int:
    if target.error is not None:
        return 0
    severities = {finding.severity for finding in target.findings if needs_mending(finding)}
    return 1 if "error" in severities else 2 if severities else 3


def _shown(number: int, target: WatchedTarget) -> _Shown:
    facts = f"{count(target.samples, 'sample')}, {count(target.connections, 'connection')}"
    if target.failed:
        facts += f", {target.failed} failed"
    grave = sorted((f for f in target.findings if needs_mending(f)), key=lambda f: f.severity)
    state = badge("nothing to do", "good")
    why = ""
    if target.error is not None:
        state, why = badge("failed", "bad"), target.error
    elif grave:
        style: Style = "bad" if grave[0].severity == "error" else "fair"
        state, why = badge(grave[0].severity, style), grave[0].title
    return _Shown(
        number=number,
        target=target,
        state=state,
        why=why,
        facts=facts,
        line=timeline(target),
        keys=_keys(target),
        events=tuple(_events(target)),
    )


def _overview(shown: Sequence[_Shown]) -> Table:
    return Table(
        heads=("Target", "State", "Why", "Samples"),
        rows=[
            (link(each.target.target, f"t{each.number}"), each.state, each.why, each.target.samples)
            for each in shown
        ],
        right=(3,),
    )


def timeline(target: WatchedTarget) -> Timeline:
    """The keys of a target on a line of time."""
    first, last = target.first or "", target.last or ""
    if not target.keys:
        return Timeline(words="", rows=(), first=first, last=last)
    start, end = when(first), when(last)
    hues = {name: (_FIRST_HUE + at * _GOLDEN) % 360 for at, name in enumerate(letters(target))}
    rows = tuple(
        Row(
            f"{format_endpoint(key.address, key.port)} {key_words(key)}",
            f"hsl({hues[key.key_name]:.0f} 60% 50%)",
            tuple(_bars(key, start, end)),
        )
        for key in target.keys
    )
    return Timeline(
        words=f"Keys of {target.target} from {first} to {last}", rows=rows, first=first, last=last
    )


def _bars(key: KeyLife, start: float, end: float) -> Iterator[Bar]:
    for span in key.spans:
        left = _percent(when(span.first), start, end)
        width = max(_LEAST, _percent(when(span.last), start, end) - left)
        left = min(left, 100 - width)
        words = f"{key_words(key)}: {span.first} to {span.last}"
        yield Bar(f"{left:.2f}", f"{width:.2f}", words)


def _percent(time: float, start: float, end: float) -> float:
    return 100 * (time - start) / (end - start) if end > start else 0.0


def _keys(target: WatchedTarget) -> Table:
    return Table(
        heads=("Address", "Ticket key name", "First seen", "Last seen", "Age", "Now"),
        rows=[
            (
                code(format_endpoint(key.address, key.port)),
                code(key.key_name) if key.key_name else key_words(key),
                key.first,
                key.last,
                duration(key.seconds) if key.seconds else "seen once",
                "in use" if key.current else "gone",
            )
            for key in target.keys
        ],
    )


def _events(target: WatchedTarget) -> Iterator[str]:
    for rotation in target.rotations:
        both = f"; both were seen for {duration(rotation.overlap)}" if rotation.overlap else ""
        yield (
            f"Rotation on {rotation.address}: {short_key(rotation.old_key)} to"
            f" {short_key(rotation.new_key)} between {rotation.after} and {rotation.by}{both}."
        )
    for across in target.across:
        yield (
            f"Across the rotation on {across.address}: {across.resumed} of {across.offered}"
            f" sessions under {short_key(across.old_key)} resumed."
        )
    for step in target.out_of_step:
        yield (
            f"Out of step from {step.since} until {step.until or 'now'}:"
            f" {', '.join(step.behind)} behind key {short_key(step.newest)}."
        )
