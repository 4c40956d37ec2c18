"""Formats that programs read: agreed letter by letter, read back, and closed to injection."""

from __future__ import annotations

import html
import html.parser
import json
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from prometheus_client.parser import text_string_to_metric_families

from tests.golden import cases, check
from tests.helpers.pipeline_cases import JUDGED, TODAY
from tests.helpers.rows import assert_complete, each_row
from tests.paths import PACKAGE
from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.formats import FORMATS
from tlsresume.formats.findings import NORMAL
from tlsresume.formats.html_page import page
from tlsresume.formats.page import View
from tlsresume.formats.prometheus import METRICS
from tlsresume.policy.exit_status import each_alone
from tlsresume.policy.judge import Judge
from tlsresume.policy.plugin_state import plugin_state
from tlsresume.results.early_data import EarlyAfter, EarlyData, EarlyRequest
from tlsresume.results.judged import Change, Check, Crossing
from tlsresume.results.measured import ErrorResult, KeyName
from tlsresume.results.measured import Skipped as LeftOut

VIEW = View(width=80)
JUDGE = Judge(today=TODAY)
ENDINGS = {
    "jsonl": "jsonl",
    "csv": "csv",
    "junit": "junit.xml",
    "github": "github.txt",
    "markdown": "md",
    "prometheus": "prom",
    "nagios": "nagios.txt",
    "html": "html",
}


def rendered(name: str, report) -> str:
    return FORMATS[name].head() + FORMATS[name].renderer()(report, VIEW)


@cache
def harmless(name: str) -> str:
    """The report that hostile ones are compared with, printed once."""
    return rendered(name, hostile_report("plain"))


def test_every_format_is_tested_here_or_for_people():
    """No format is left out of the golden files."""
    where = "tests/formats/test_pipeline.py, ENDINGS"
    assert_complete({"text", "json", *ENDINGS}, FORMATS, where)


@each_row("case", JUDGED)
@each_row("name", ENDINGS)
def test_a_report_reads_as_agreed(name, case):
    """Each format prints each known report as its golden file says. Of HTML one is enough: the
    style is in each, and what a page must hold is asked below."""
    if name != "html" or case == "mixed":
        check(f"judged-{case}.{ENDINGS[name]}", rendered(name, JUDGED[case]))


@pytest.mark.parametrize("case", ["policy", "baseline", "inverse"])
def test_demands_in_text_read_as_agreed(case):
    """What became of demands, and what changed, is told to people as agreed."""
    check(f"judged-{case}.txt", rendered("text", JUDGED[case]))


@each_row("name", [name for name in FORMATS if FORMATS[name].document])
def test_a_failed_run_reads_as_agreed(name):
    """A run that failed leaves a whole document in each format, saying why."""
    failure = FORMATS[name].failure()
    assert failure is not None
    printed = failure(cases.TOOL, cases.REFUSED)
    check(f"failed.{ENDINGS.get(name, name)}", printed)
    if name != "prometheus":
        assert "refused" in printed


# ----------------------------------------------------------------- their readers


#: Outcomes of demands, the gravest first, and what JUnit has for each.
JUNIT: dict[str, type | None] = {
    "broken": Failure, "unreachable": Error, "warning": Skipped, "untestable": Skipped,
    "waived": Skipped, "known": Skipped, "ignored": Skipped, "met": None, "not-checked": Skipped,
}  # fmt: skip


def outcome_of(check: Check) -> str:
    return "warning" if (check.outcome, check.severity) == ("broken", "warning") else check.outcome


def junit_cases(report) -> dict[tuple[str, str], list]:
    """The results of each test case by suite and name, of which each is there once."""
    found: dict[tuple[str, str], list] = {}
    for suite in JUnitXml.fromstring(rendered("junit", report).encode()):
        for each in suite:
            assert (suite.name, each.name) not in found
            found[suite.name, each.name] = each.result
    return found


@each_row("case", JUDGED)
def test_junit_tells_failures_from_errors(case):
    """One case for each demand and mechanism, as grave as the gravest of all addresses: broken is
    a failure, not reachable an error, not testable skipped."""
    report = JUDGED[case]
    found = junit_cases(report)
    for target in report.targets:
        own = {(check.demand, check.mechanism) for check in target.checks}
        for demand, mechanism in own:
            outcomes = {
                outcome_of(check)
                for check in target.checks
                if (check.demand, check.mechanism) == (demand, mechanism)
            }
            gravest = next(each for each in JUNIT if each in outcomes)
            alone = mechanism is None or mechanism in demand
            told = demand if alone else f"{demand} of {mechanism}"
            results = [type(each) for each in found[target.target, told]]
            assert results == ([JUNIT[gravest]] if JUNIT[gravest] else []), (told, outcomes)
        codes = {finding.code for finding in target.findings} - NORMAL
        names = [name for suite, name in found if suite == target.target]
        assert all(any(name.startswith(code) for name in names) for code in codes)
    document = JUnitXml.fromstring(rendered("junit", report).encode())
    results = [type(result) for each in found.values() for result in each]
    assert document.failures == results.count(Failure)
    assert document.errors == results.count(Error)
    assert document.tests == len(found)


def test_junit_names_hold_no_address():
    """Cases keep their names when DNS changes; the addresses stand in the failure's text."""
    report = JUDGED["policy"]
    text = rendered("junit", report)
    for target in report.targets:
        for address in target.addresses:
            assert all(address.address not in name for _, name in junit_cases(report))
    assert re.search("<failure [^>]*>192.0.2.20: 4 of 10 resumed\n2001:db8::20: 5 of 5", text)


@each_row("case", JUDGED)
def test_junit_has_an_element_a_line(case):
    """Each element begins on a line of its own."""
    for line in rendered("junit", JUDGED[case]).splitlines():
        assert len(re.findall(r"<[a-z?]", line)) <= 1


def test_annotations_are_for_what_needs_mending():
    """An annotation has its evidence and advice, a line each; information and what is excused
    has none, but stands in the target's line."""
    info = replace(cases.FINDING, code="ticket-renewed", severity="info", effect="none")
    waived = replace(cases.FINDING, code="cache-miss", effect="waived")
    failing = replace(cases.FINDING, effect="fails")
    report = cases.report(replace(cases.GOOD, findings=(info, waived, failing)))
    *annotations, line = rendered("github", report).splitlines()
    (annotation,) = annotations
    assert annotation.startswith("::error title=example.com%3A443%3A other-ticket-key%3A ")
    for each in failing.evidence:
        assert f"%0Aseen: {each}" in annotation
    assert f"%0Ado: {failing.advice}" in annotation
    assert "cache-miss (waived by the policy)" in line
    assert "ticket-renewed" not in rendered("github", report)


def test_prometheus_has_findings_by_code():
    """Each finding is a sample with its code, of a target or of all together."""
    shared = replace(cases.FINDING, code="ticket-key-shared")
    report = replace(cases.report(cases.PARTLY), findings=(shared,))
    families = text_string_to_metric_families(rendered("prometheus", report))
    (family,) = (family for family in families if family.name == "tlsresume_finding")
    found = {(sample.labels["code"], sample.labels["target"]) for sample in family.samples}
    assert found == {
        *((each.code, cases.PARTLY.target) for each in cases.PARTLY.findings),
        ("ticket-key-shared", "all targets"),
    }


@each_row("case", JUDGED)
def test_the_exposition_is_read_by_prometheus_client(case):
    """The client's own parser reads every sample, once per set of labels."""
    families = list(text_string_to_metric_families(rendered("prometheus", JUDGED[case])))
    assert {family.name for family in families} <= set(METRICS)
    samples = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in families
        for sample in family.samples
    ]
    assert len(samples) == len(set(samples))
    assert all(family.type == "gauge" and family.documentation for family in families)


def test_names_and_units_follow_the_conventions():
    """Metrics have base units at their end, and no name that a counter or histogram has."""
    for name in METRICS:
        assert re.fullmatch(r"tlsresume_[a-z_]+", name)
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_ms", "_percent"))


def test_a_target_given_twice_is_one_series():
    """The same target named twice gives no sample twice, which collectors refuse."""
    text = rendered("prometheus", cases.report(cases.GOOD, cases.GOOD))
    lines = [line.rpartition(" ")[0] for line in text.splitlines() if line[:1] != "#"]
    assert len(lines) == len(set(lines))


@each_row("case", JUDGED)
def test_json_lines_are_documents(case):
    """Each line is JSON with schema and tool, and there is one per target."""
    lines = rendered("jsonl", JUDGED[case]).splitlines()
    documents = [json.loads(line) for line in lines]
    assert [each["target"]["target"] for each in documents] == [
        target.target for target in JUDGED[case].targets
    ]
    assert all(each["schema"] == 1 and each["tool"]["name"] == "tlsresume" for each in documents)


PERFDATA = re.compile(
    r"(?P<value>-?[0-9.]+)(?P<unit>s|%|)(;(?P<warn>[0-9.:@~]*))?(;(?P<crit>[0-9.:@~]*))?"
    r"(;(?P<min>[0-9.]*))?(;(?P<max>[0-9.]*))?"
)


def perfdata(printed: str) -> dict[str, re.Match[str]]:
    """A reader of performance data, by the plugins' guidelines."""
    first, _, _ = printed.partition("\n")
    text, bar, numbers = first.partition(" | ")
    assert bar
    assert "|" not in text
    found = {}
    for word in shlex.split(numbers):
        label, _, value = word.partition("=")
        match = PERFDATA.fullmatch(value)
        assert match, word
        found[label] = match
    return found


@each_row("case", [name for name in JUDGED if name != "empty"])
def test_perfdata_can_be_read(case):
    """Every number after the bar is label=value[unit];[warn];[crit];[min];[max]."""
    printed = rendered("nagios", JUDGED[case])
    assert printed.count("|") == 1
    assert perfdata(printed)
    word = printed.split(" ")[1]
    assert word == plugin_state(JUDGED[case]).name


class Strict(html.parser.HTMLParser):
    """A reader that knows which elements may be in our page, and that they close."""

    VOID = ("meta", "br", "circle", "line")
    KNOWN = frozenset(
        [
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
            "span",
            "nav",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "a",
            "section",
            "div",
            "code",
            "strong",
            "ul",
            "li",
            "details",
            "summary",
            "footer",
            "svg",
            "circle",
            "line",
            "rect",
            "text",
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str | None] = []

    def handle_starttag(self, tag, attrs):
        assert tag in self.KNOWN, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in ("src", "style"), name
            assert name != "href" or re.fullmatch(r"#[ts][0-9]+", value), value
        told = dict(attrs)
        self.links += [told["href"][1:]] if "href" in told else []
        self.ids += [told["id"]] if "id" in told else []
        if tag == "td":
            self.labels.append(told.get("data-label"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read_html(text: str) -> Strict:
    reader = Strict()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@each_row("case", JUDGED)
def test_the_page_is_self_contained(case):
    """The HTML has no script and no reference, and a policy that forbids both."""
    text = rendered("html", JUDGED[case])
    read_html(text)
    assert "Content-Security-Policy" in text
    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text


def test_the_page_shows_what_there_is():
    """Verdict, addresses, times, findings with evidence, demands and changes are all there."""
    words = " ".join(read_html(rendered("html", JUDGED["partly"])).words)
    for shown in ("partly", "192.0.2.20", "[2001:db8::20]:443", "other-ticket-key", "alternating"):
        assert shown in words
    text = rendered("html", JUDGED["partly"])
    assert text.count("<circle") == sum(
        row.handshake_ms is not None and row.error is None
        for address in cases.PARTLY.addresses
        for row in address.attempts
        if row.mechanism
    )


def test_the_worst_comes_first_and_the_good_is_folded():
    """Targets are ordered by their exit status, each with its cause in the overview; those that
    are as asked are folded, there and below."""
    report = JUDGE.report(
        cases.report(cases.GOOD, cases.UNREACHABLE, replace(cases.GOOD, target="b:1"), cases.PARTLY)
    )
    text = rendered("html", report)
    order = re.findall(
        r'<(section|details) class="target" id="(t[0-9]+)">.*?<h2>(.*?)</h2>', text, re.DOTALL
    )
    assert order == [
        ("section", "t1", "lb.example.com:443"),
        ("section", "t2", cases.UNREACHABLE.target),
        ("details", "t3", "example.com:443"),
        ("details", "t4", "b:1"),
    ]
    overview = text[text.index("<nav") : text.index("</nav>")]
    shown = html.unescape(overview)
    for alone in each_alone(report):
        assert not alone.exit_status or alone.why in shown
    head, _, folded = overview.partition('<details class="folded">')
    assert "2 targets as asked" in folded
    assert (head.count("<td"), folded.count("<td")) == (8, 8)
    read = read_html(text)
    assert sorted(read.links) == sorted(read.ids)


def test_a_single_target_is_not_folded():
    """One target that is as asked stands open, and has no overview."""
    text = rendered("html", JUDGED["good"])
    assert "<nav" not in text
    assert '<section class="target" id="t1">' in text


def test_what_needs_no_mending_has_no_card():
    """A card is for what is to be done; information and what is excused is one folded list."""
    info = replace(cases.FINDING, code="ticket-renewed", severity="info", effect="none")
    waived = replace(cases.FINDING, code="cache-miss", effect="waived")
    text = rendered("html", cases.report(replace(cases.GOOD, findings=(info, waived))))
    assert 'class="card' not in text
    assert "no reason to do anything: 2" in text
    assert "waived by the policy" in text
    warning = replace(cases.FINDING, severity="warning", effect="none")
    text = rendered("html", cases.report(replace(cases.GOOD, findings=(warning, info))))
    assert text.count('class="card') == 1


@each_row("case", JUDGED)
def test_the_page_fits_a_phone(case):
    """Each cell names its column, for the cards of a phone; charts have no size of their own that
    would shrink their labels, which are of 11 px at least; everything else is a block."""
    text = rendered("html", JUDGED[case])
    read = read_html(text)
    assert all(read.labels)
    assert "viewBox" not in text
    style = text[text.index("<style>") : text.index("</style>")]
    sizes = re.findall(r"font-size: ([0-9.]+)px", style)
    assert sizes
    assert all(float(size) >= 11 for size in sizes)
    assert "@media (max-width:" in style


def test_the_page_names_the_command_that_made_it():
    """The command stands in the footer, if it is known."""
    command = "tlsresume probe a.test --format 'html=<x>'"
    text = FORMATS["html"].renderer()(JUDGED["good"], View(command=command))
    assert "tlsresume probe a.test --format &#39;html=&lt;x&gt;&#39;" in text
    assert "Made by" not in rendered("html", JUDGED["good"])


def test_no_template_opens_a_gate():
    """Nothing in a template switches escaping off, or lets a text past the cleaning."""
    templates = sorted(PACKAGE.rglob("*.html"))
    assert len(templates) > 6
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(safe|e|escape|forceescape)\b|autoescape|Markup", text), path


def test_markup_is_cleaned_too():
    """A control or bidirectional character is no way into a page, whatever carries it."""
    from markupsafe import Markup

    for text in ("a\x1b[31mb", "a\u202eb", "a\x00\nb"):
        printed = page("formats/failed.html", cases.TOOL, error=ErrorResult("k", "s", text))
        assert no_controls(printed)
        printed = page("formats/failed.html", cases.TOOL, error=ErrorResult("k", "s", Markup(text)))
        assert no_controls(printed)


def test_early_data_stands_beside_its_address():
    """What became of early data is told in a page, too."""
    address = replace(cases.GOOD.addresses[0], early_data=EarlyData(max=16384, accepted=True))
    text = rendered("html", cases.report(replace(cases.GOOD, addresses=(address,))))
    assert "early data: accepted; replay not tested" in text


def test_early_data_is_a_block_in_every_format_with_blocks():
    """Each replay, its outcome and the requests stand in HTML and Markdown; Prometheus has a series
    for each presentation that was answered, and none for the others."""
    early = EarlyData(
        max=16384, accepted=True, same_ticket="full-handshake", exact_copy="accepted",
        exact_copies=("accepted", "full-handshake"), after=(EarlyAfter(seconds=60.0, result="rejected"),),
        answered_before_finished=True, status=200, reason="stale",
        requests=(EarlyRequest(id="ab12-copy", sent_at="2026-01-01T00:00:00.000+00:00",
                               presentations=2, answers=(200,)),),
    )  # fmt: skip
    tcp = replace(cases.GOOD.addresses[0], early_data=early)
    quic = replace(tcp, transport="quic", early_data=EarlyData(max=0))
    made = cases.report(replace(cases.GOOD, addresses=(tcp, quic)))
    page, table = rendered("html", made), rendered("markdown", made)
    for text in (page, table):
        for word in ("Exact copy", "accepted (1 of 2)", "60 s: rejected", "full handshake",
                     "old ones are refused", "tickets allow none"):  # fmt: skip
            assert word in text
    assert "ab12-copy" in page
    replay = "tlsresume_early_data_replay_accepted"
    lines = [line for line in rendered("prometheus", made).splitlines() if "early_data_" in line
             and not line.startswith(("#", "tlsresume_max"))]  # fmt: skip
    told = {line.partition("{")[0] + ":" + line.rpartition('presentation="')[2].partition('"')[0]
            if replay in line else line.partition("{")[0]: line.rpartition(" ")[2]
            for line in lines}  # fmt: skip
    assert told == {
        "tlsresume_early_data_accepted": "1.0",
        f"{replay}:same-ticket": "0.0",
        f"{replay}:exact-copy": "1.0",
        f"{replay}:after": "0.0",
        "tlsresume_early_data_answered_early": "1.0",
    }


def test_crossings_are_a_matrix():
    """Where sessions of one address are accepted at another is a table in the page."""
    crossings = tuple(
        Crossing(by="address", mechanism="psk", issuing=a, accepting=b, offered=4, accepted=n)
        for a, b, n in (("a", "a", 4), ("a", "b", 0), ("b", "a", 2), ("b", "b", 4))
    )
    text = rendered("html", cases.report(replace(cases.GOOD, crossings=crossings)))
    for cell in ('good">4/4', 'bad">0/4', 'fair">2/4'):
        assert cell in text


# -------------------------------------------------------------------- injection

#: What breaks formats: their own signs, line ends of all kinds, controls, wide and odd letters.
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("<>&\"'`|=\\{}[]()#@!*_~$%,;:-+\n\r\t\x00\x1b\x9b\x85\u2028\u202e\ufeff漢"),
        st.sampled_from("abc /:.="),
        st.characters(),
    ),
    min_size=1,
    max_size=40,
) | st.sampled_from(
    [
        "]]>", "</script><script>alert(1)</script>", "::error::x", "\n::error::x", "##[error]x",
        '"} 1\nfake_metric 1', "| x | y |", "\n# heading", "](http://x)", "<!--", "--> x", "@team",
        "x | 'y'=0;;", "\ud800", "%0A::error::x", "http://evil.example/x", "</title>", "&#x3c;",
    ]
)  # fmt: skip


def hostile_report(text: str):
    """A report with the same foreign text in every place that can hold one."""
    error = ErrorResult(
        text, text, text, (text,), ErrorStack(text, text, (ErrorEntry(text, text, 1, text),))
    )
    row = cases.row(1, error=text, node=text, key_name=text, series=text)
    mechanism = cases.psk(
        "RN", "NR", state="partly", reason=text, tickets=cases.tickets(KeyName(text, 1))
    )
    bad = replace(cases.CERTIFICATE, subject=text, verify_message=text, verify_code=1)
    good_row = cases.row(2, node=text)
    address = cases.address(
        text or "x", mechanism, certificate=bad, attempts=(row, good_row), error=None
    )
    down = cases.address("192.0.2.99", error=error, certificate=None)
    finding = replace(
        cases.FINDING, code=text, title=text, cause=text, advice=text, address=text,
        evidence=(text,), details=(text,), directives=(text,), not_known=(text,),
        candidates=(text,),
    )  # fmt: skip
    checks = tuple(
        Check(demand=text, kind="finding", outcome=outcome, message=text, address=text, source=text)
        for outcome in ("met", "broken", "waived", "unreachable", "untestable", "known")
    )
    target = replace(
        cases.PARTLY,
        target=text or "x",
        error=error,
        skipped=(LeftOut(text, text),),
        addresses=(address, down),
        findings=(finding,),
        checks=checks,
        changes=(Change(what=text, before=text, after=text, worse=True, address=text),),
        crossings=(
            Crossing(
                by="node", mechanism="psk", issuing=text, accepting=text, offered=1, accepted=1
            ),
        ),
    )
    return replace(cases.report(target, target), policy=text, baseline=text, findings=(finding,))


SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def no_controls(printed: str) -> bool:
    lines = printed.replace("\r\n", "\n")
    return all(letter.isprintable() or letter == "\n" for letter in lines)


@pytest.mark.slow
@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_any_format(text):
    """No text from outside adds a line, a control character, a test case or a metric."""
    report = hostile_report(text)
    for name in FORMATS:
        printed = rendered(name, report)
        assert no_controls(printed), name
        printed.encode("utf-8")
        if name not in ("text", "prometheus"):
            printed = printed.replace("\r\n", "\n")
            assert printed.count("\n") == harmless(name).count("\n"), name
        failure = FORMATS[name].failure()
        if failure is not None:
            error = ErrorResult(text, text, text, (text,))
            assert no_controls(failure(cases.TOOL, error))


@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_xml(text):
    """The JUnit document stays well-formed, with the elements of a harmless one."""

    def shape(printed: str) -> list[str]:
        root = ET.fromstring(printed)
        return [element.tag for element in root.iter()]

    assert shape(rendered("junit", hostile_report(text))) == shape(harmless("junit"))


@pytest.mark.slow
@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_the_page(text):
    """The HTML has the elements that a harmless report has, and no others."""

    def shape(printed: str) -> list[str]:
        return re.findall(r"<[a-z/!][^\s>]*", printed)

    page = rendered("html", hostile_report(text))
    read_html(page)
    assert shape(page) == shape(harmless("html"))


@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_the_exposition(text):
    """The parser finds the metrics of a harmless report, and the text only in labels."""

    def names(printed: str) -> list[str]:
        families = text_string_to_metric_families(printed)
        return [sample.name for family in families for sample in family.samples]

    assert names(rendered("prometheus", hostile_report(text))) == names(harmless("prometheus"))


@each_row("name", sorted(FORMATS))
def test_no_format_holds_a_command_to_a_runner(name):
    """`##[error]` in any foreign text is broken up in every format, since any may be shown in a
    job's log; also where it begins a text, and where pieces meet."""
    for text in ("##[error]x", "n ##[group]", "##", "[error]", "#", "###[warning]##[x"):
        assert "##[" not in rendered(name, hostile_report(text)), text
        failure = FORMATS[name].failure()
        if failure is not None:
            error = ErrorResult(text, text, text, (text,), None)
            assert "##[" not in failure(cases.TOOL, error), text


@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_annotations(text):
    """A line is a command of ours or holds none: no foreign text begins one, in either form."""
    printed = rendered("github", hostile_report(text))
    for line in printed.splitlines():
        assert "##[" not in line
        if line.lstrip().startswith("::"):
            assert re.match(r"::(error|warning|notice) title=[^:,]*::", line)


@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_a_table(text):
    """Each row of a Markdown table keeps its number of cells."""

    def cells(printed: str) -> list[int]:
        lines = printed.splitlines()
        return [
            len(re.findall(r"(?<!\\)\|", line.replace("\\\\", "")))
            for line in lines
            if line.startswith("|")
        ]

    assert cells(rendered("markdown", hostile_report(text))) == cells(harmless("markdown"))


@SETTINGS
@given(HOSTILE)
def test_nothing_breaks_out_of_perfdata(text):
    """One bar, and numbers that can be read, whatever a target is called."""
    printed = rendered("nagios", hostile_report(text))
    assert printed.count("|") == 1
    perfdata(printed)


def test_markdown_has_no_foreign_markup():
    """Links, mentions, headings and HTML in names are shown, not obeyed."""
    evil = "[x](http://evil) <img src=x> # a\n# b @team **b** `c` www.evil.com"
    printed = rendered("markdown", hostile_report(evil))
    for sign in ("<img", "http://", "@team", "**b", "www."):
        assert sign not in printed
    assert not re.search(r"(?<!\\)[`\]]", printed)


@SETTINGS
@given(HOSTILE | st.just("a long text " * 8 + "::error::x " * 8))
def test_no_text_in_a_log_is_a_command_of_the_runner(text):
    """A wrapped line of the text for people never begins as a workflow command does."""
    for line in rendered("text", hostile_report(text)).splitlines():
        if line.lstrip().startswith("::"):
            assert text.lstrip().startswith("::")
            assert not line.startswith(" ")
