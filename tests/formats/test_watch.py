"""features/watch/text.py and page.py: the report of `watch`, letter by letter."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.findings.test_rotation import ONE, TWO, A, B, offer, sample, seen
from tests.formats.test_pipeline import read_html
from tests.golden import check
from tests.golden.cases import HOSTILE, TOOL
from tlsresume.features.watch.page import render_watch_html, timeline
from tlsresume.features.watch.rotation import watch_report
from tlsresume.features.watch.samples import WatchReport
from tlsresume.features.watch.text import render_watch, sample_line
from tlsresume.formats import document
from tlsresume.formats.page import View

ROTATED = watch_report(
    [
        sample(0, seen(ONE, A), seen(TWO, A)),
        sample(10, seen(ONE, A), seen(TWO, A), offers=[offer(A, A)]),
        sample(20, seen(ONE, B), seen(TWO, A), offers=[offer(A, B)]),
        sample(30, error="192.0.2.1: connection refused"),
        sample(40, seen(ONE, B), seen(TWO, B), offers=[offer(A, B, "declined", TWO)]),
        sample(50, seen(ONE, B), seen(TWO, B)),
    ],
    history="/home/me/.local/state/tlsresume/watch.sqlite3",
    max_key_age=600,
)
BEHIND = watch_report(
    [
        sample(0, seen(ONE, A), seen(TWO, A)),
        sample(10, seen(ONE, B), seen(TWO, A)),
        sample(20, seen(ONE, None), error=None),
        replace(sample(30, seen(ONE, A)), target="other.example:443"),
    ],
    history="h",
)
NOTHING = WatchReport(history="h")
REPORTS = {"rotated": ROTATED, "behind": BEHIND, "nothing": NOTHING}


def test_text():
    """The text of each report, at a fixed width without colour."""
    for name, report in REPORTS.items():
        check(f"watch-{name}.txt", render_watch(report, View(width=80)))


def test_lines_fit_the_screen():
    """No line is wider than the screen, also with a long IPv6 address and many samples; a pipe
    has a line for each key."""
    long = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"
    report = watch_report([sample(ten, seen(long, A), seen(ONE, A)) for ten in range(0, 5000, 10)])
    for each in (*REPORTS.values(), report):
        for verbose in (False, True):
            text = render_watch(each, View(width=80, verbose=verbose))
            assert max(map(len, text.splitlines())) <= 80, text
        lines = render_watch(each, View()).splitlines()
        keys = [key for target in each.targets for key in target.keys]
        assert all(any(f"{k.first} to {k.last}, " in line for line in lines) for k in keys)


def test_html():
    """The page has each target with its keys, events and findings; what needs mending first."""
    for report in REPORTS.values():
        read = read_html(render_watch_html(report, TOOL, command="tlsresume watch report"))
        words = " ".join(read.words)
        for target in report.targets:
            for key in target.keys:
                assert (key.key_name or "no key name") in words
            for each in target.findings:
                assert each.title in words
        assert "tlsresume watch report" in words
        assert all(read.labels)
    assert "No samples yet." in render_watch_html(NOTHING, TOOL)
    two = replace(BEHIND, targets=(*BEHIND.targets, *ROTATED.targets))
    page = render_watch_html(two, TOOL)
    assert ROTATED.targets[0].findings
    assert page.index(ROTATED.targets[0].findings[0].title) < page.index(BEHIND.targets[1].target)


def test_json():
    """The JSON document is read back as the report that it was made from."""
    for name, report in REPORTS.items():
        text = document.document(TOOL, report)
        check(f"watch-{name}.json", text)
        assert msgspec.json.decode(text, type=WatchReport) == report


def test_the_timeline_fits_any_width():
    """There is a row for each key and a bar for each span, within the line, in percent; labels are
    text of the page, however long an address is."""
    for report in (ROTATED, BEHIND):
        for target in report.targets:
            line = timeline(target)
            assert [len(row.bars) for row in line.rows] == [len(key.spans) for key in target.keys]
            for bar in (bar for row in line.rows for bar in row.bars):
                left, width = float(bar.left), float(bar.width)
                assert 0 <= left <= left + width <= 100.01
                assert width > 0
    page = render_watch_html(ROTATED, TOOL)
    assert page.count("<rect ") == sum(len(k.spans) for t in ROTATED.targets for k in t.keys)
    assert "<text" not in page
    assert "viewBox" not in page


def test_the_page_needs_nothing_else():
    """No script, and nothing that is fetched."""
    page = render_watch_html(ROTATED, TOOL)
    for word in ("<script", "http://", "https://", "src=", "url("):
        assert word not in page


def test_hostile_names():
    """Whatever a name holds, no format lets it out as markup or as a control character."""
    name = f"##[error]{HOSTILE}"
    bad = replace(sample(0, seen(ONE, A), error=None), target=name)
    failed = replace(sample(1, error=name), target=name)
    report = watch_report([bad, failed], history=name)
    page = render_watch_html(report, TOOL)
    assert "<script" not in page
    for text in (page, render_watch(report, View(width=80)), document.document(TOOL, report)):
        assert not any(ord(c) < 32 and c != "\n" for c in text)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "##[" not in text


def test_a_line_per_sample():
    """A sample is one line: its keys by address, what became of sessions, or why it failed."""
    line = sample_line(sample(0, seen(ONE, A, B), seen(TWO, None), offers=[offer(A, B)]))
    assert line.endswith(
        "example.test:443: 192.0.2.1:443 aaaaaaaa+bbbbbbbb, 192.0.2.2:443 no key name,"
        " a session of aaaaaaaa across the rotation: resumed"
    )
    assert sample_line(sample(0, error="refused")).endswith("failed: refused")
