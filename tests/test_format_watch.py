"""formats/watch_text.py and watch_html.py: the report of `watch`, letter by letter."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import msgspec

from tests.golden import check
from tests.golden.cases import HOSTILE, TOOL
from tests.test_rotation import ONE, TWO, A, B, offer, sample, seen
from tlsresume.diagnosis.rotation import watch_report
from tlsresume.diagnosis.watched import WatchReport
from tlsresume.formats import document
from tlsresume.formats.page import View
from tlsresume.formats.watch_html import render_watch_html, timeline
from tlsresume.formats.watch_text import render_watch, sample_line

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


def test_html():
    """The page of each report."""
    for name, report in REPORTS.items():
        check(f"watch-{name}.html", render_watch_html(report, TOOL))


def test_json():
    """The JSON document is read back as the report that it was made from."""
    for name, report in REPORTS.items():
        text = document.document(TOOL, report)
        check(f"watch-{name}.json", text)
        assert msgspec.json.decode(text, type=WatchReport) == report


def test_the_timeline_is_a_picture():
    """The SVG is well-formed, and has a bar for each span in the chart's width."""
    for report in (ROTATED, BEHIND):
        for target in report.targets:
            picture = ET.fromstring(timeline(target))
            bars = picture.findall("rect")
            assert len(bars) == sum(len(key.spans) for key in target.keys)
            for bar in bars:
                left, width = float(bar.attrib["x"]), float(bar.attrib["width"])
                assert 0 <= left <= left + width <= 900.1


def test_long_addresses_have_room():
    """Labels of IPv6 addresses end before the bars begin."""
    long = "2001:db8:1234:5678:9abc:def0:1234:5678"
    (target,) = watch_report([sample(0, seen(long, A)), sample(1, seen(long, A))]).targets
    (bar,) = ET.fromstring(timeline(target)).findall("rect")
    assert float(bar.attrib["x"]) > 6.5 * len(f"[{long}]:443 aaaaaaaa")


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
