"""The pages of `tlsresume explain`, and the command: every code has one, and it is whole."""

from __future__ import annotations

import json

import pytest

from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tlsresume.errors import ExitStatus
from tlsresume.features import entries
from tlsresume.findings.catalogue import IMPOSSIBLE, RULES
from tlsresume.findings.log_messages import MESSAGES
from tlsresume.formats import explanation, page_search
from tlsresume.formats.page import View

EVERY = explanation.pages(entries())
PAGES = {page.code: page for page in EVERY}


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_every_code_has_one_page():
    """Each rule, entry of a feature and impossible cause has a page of its own, in the order of groups."""
    codes = [rule.code for rule in RULES] + [cause.code for cause in IMPOSSIBLE]
    codes += [entry.code for entry in entries()]
    assert sorted(PAGES) == sorted(codes)
    groups = [page.group for page in EVERY]
    assert groups == sorted(groups, key=list(explanation.GROUPS).index)


@each_row("page", PAGES.values(), ids=lambda page: page.code)
def test_a_page_is_whole(page):
    """A page has a title, a cause, advice and a source, and all of it is shown at any width."""
    assert page.title
    assert page.cause
    assert page.advice
    assert page.sources
    assert (page.severity is None) == (page.why_not_here is not None)
    for width in (40, 80, 100):
        shown = explanation.render_page(page, View(width=width))
        flat = " ".join(shown.split())
        for text in (page.title, page.cause, page.advice, page.how_told, page.why_not_here):
            assert " ".join((text or "").replace("`", "").split()) in flat
        for text in (*page.directives, *page.sources):
            assert " ".join(text.split()) in flat


def test_causes_of_groups_a_to_d_say_how_they_are_told():
    """Each cause of groups A to D says what evidence tells it from the others."""
    assert [r.code for r in RULES if r.group in "ABCD" and not PAGES[r.code].how_told] == []


def test_the_list_names_every_code():
    """Without a code all of them are listed with their titles, within the width."""
    shown = explanation.render_list(View(width=80), EVERY)
    for page in PAGES.values():
        assert f"  {page.code} " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_page_is_printed(run):
    """`explain CODE` prints the page on stdout, and exits 0."""
    status, out, err = run("explain", "other-ticket-key")
    assert (status, err) == (ExitStatus.OK, "")
    assert out.startswith("other-ticket-key: Nodes here use different ticket keys\n")
    assert "nginx ssl_session_ticket_key" in out
    status, out, err = run("explain", "context-mismatch")
    assert "not in tlsresume" in out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("other-ticket-kye", "other-ticket-key"),
        ("OTHER_TICKET_KEY", "other-ticket-key"),
        ("consumption", "consumed"),
        ("early-data-reject", "early-data-rejected"),
    ],
)
def test_an_unknown_code_is_a_usage_error_with_the_nearest(run, typed, meant):
    """A mistyped code ends with status 2 and the command that was most likely meant."""
    status, out, err = run("explain", typed)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert f"hint: did you mean: tlsresume explain {meant}\n" in err


#: Lines of logs as programs print them, and the page that tells what each means.
LINES = (
    (
        "no-session-id-context",
        "error:0A000115:SSL routines::session id context uninitialized:../ssl/statem/statem_srvr.c:1234:",
    ),
    (
        "no-session-id-context",
        "140735:error:14094438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error:s3_pkt.c:1500:SSL alert number 80",
    ),
    (
        "wrong-secret",
        "nginx: [info] 123#0: *1 SSL_do_handshake() failed (SSL: error:0A000119:SSL routines::decryption failed or bad record mac) while SSL handshaking, client: 192.0.2.1",
    ),
    (
        "wrong-binder",
        "wolfSSL error occurred, error = -412 line:3456 file:src/tls13.c: binder does not verify",
    ),
    ("wrong-binder", "javax.net.ssl.SSLHandshakeException: Incorect PSK binder value"),
    (
        "ftp-reuse-required",
        "522 SSL connection failed; session reuse required: see require_ssl_reuse option in vsftpd.conf man page",
    ),
    ("ftp-reuse-required", "425 Unable to build data connection: Operation not permitted"),
    (
        "ftp-reuse-required",
        "450 TLS session of data connection has not resumed or the session does not match the control connection",
    ),
    ("resumed-then-refused", "HTTP/1.1 421 Misdirected Request"),
    ("early-data-rejected", "HTTP/1.1 425 Too Early"),
    ("wrong-secret", "Secure Connection Failed. Error code: SSL_ERROR_BAD_MAC_READ"),
    (
        "ems-dropped",
        "javax.net.ssl.SSLHandshakeException: Missing required extended_master_secret extension on session resumption",
    ),
    ("mixed-version-pool", "net::ERR_WRONG_VERSION_ON_EARLY_DATA"),
    ("ems-dropped", "routines:OPENSSL_internal:RESUMED_EMS_SESSION_WITHOUT_EMS_EXTENSION"),
    ("context-mismatch", "ValueError: Session refers to a different SSLContext."),
    (
        "wrong-binder",
        "2026/11/26 01:02:03 http: TLS handshake error from 127.0.0.1:5555: tls: invalid PSK binder",
    ),
    (
        "marked-not-resumable",
        "curl: (56) OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
    ),
    ("ems-dropped", "error:0A000068:SSL routines::inconsistent extms"),
    ("hash-mismatch", "error:0A0000DA:SSL routines::ciphersuite digest has changed"),
    ("cipher-removed", "error:0A0000C5:SSL routines::old session cipher not returned"),
    (
        "dies-on-session",
        "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake",
    ),
    (
        "no-session-id-context",
        "Dec 1 host postfix/smtpd[1]: warning: TLS library problem: error:0A000115:SSL routines::session id context uninitialized",
    ),
    ("file-unreadable", "unable to load SSL_SESSION"),
    (
        "ftp-reuse-required",
        "client did not reuse SSL session, rejecting data connection (see the NoSessionReuseRequired TLSOptions parameter)",
    ),
    ("wrong-binder", "error:0A00041B:SSL routines::tlsv1 alert decrypt error:SSL alert number 51"),
    ("client-certificate", "400 No required SSL certificate was sent"),
    (
        "cache-miss",
        'could not allocate new session in SSL session shared cache "SSL" while SSL handshaking',
    ),
    ("captured-too-early", "s_client -reconnect"),
    ("never-honoured", "IDs assigned but not accepted"),
    ("cache-miss", "Application Load Balancer"),
    ("captured-too-early", "openssl#10714"),
    ("no-session-id-context", "ERR_SSL_SESSION_ID_CONTEXT_UNINITIALIZED"),
    ("wrong-secret", "SSL_ERROR_BAD_MAC_READ"),
)


def test_a_line_of_a_log_leads_to_its_page(run):
    """A whole line, quoted or not, prints the page of its message, and names other pages."""
    for code, line in LINES:
        for words in ([line], line.split()):
            status, out, err = run("explain", *words)
            assert (status, err, line) == (ExitStatus.OK, "", line)
            assert out.startswith(f"{code}: "), line
    status, out, _ = run("explain", "unexpected", "eof", "while", "reading", "--format", "json")
    document = json.loads(out)
    assert document["words"] == "unexpected eof while reading"
    assert document["explanations"][0]["code"] == "marked-not-resumable"
    assert "dies-on-session" in document["others"]
    assert (
        "Other pages for these words: dies-on-session"
        in run("explain", "unexpected eof while reading")[1]
    )


def test_words_that_mean_nothing_here_lead_nowhere(run):
    """Lines without a message that a page explains are status 2, and the list is named."""
    for line in (
        "the quick brown fox",
        "HTTP/1.1 404 Not Found",
        "ssl error",
        "x" * 100_000,
        "\x1b[2J a",
    ):
        status, out, err = run("explain", line)
        assert (status, out) == (ExitStatus.USAGE, ""), line
        assert "hint: all codes: tlsresume explain" in err
        assert len(err) < 1000


def test_each_message_has_its_page():
    """Every row of the messages names pages that there are, and is found by its own words."""
    codes = {page.code for page in explanation.pages()}
    for message in MESSAGES:
        assert {message.page, *message.others} <= codes, message
        found = page_search.search(message.text, explanation.pages())
        assert found.whole, message
        assert message.page in [page.code for page in found.pages], message


def test_a_code_like_none_has_no_suggestion(run):
    """What resembles no code is answered with the way to the list only."""
    status, _, err = run("explain", "zzzzzzzz")
    assert status == ExitStatus.USAGE
    assert "did you mean" not in err
    assert "hint: all codes: tlsresume explain\n" in err


def test_pages_are_json_too(run):
    """`--format json` gives one document: the one page, or all of them."""
    status, out, _ = run("explain", "single-use", "--format", "json")
    (page,) = json.loads(out)["explanations"]
    assert status == ExitStatus.OK
    assert (page["code"], page["severity"], page["group"]) == ("single-use", "info", "D")
    everything = json.loads(run("explain", "--format", "json")[1])["explanations"]
    assert [page["code"] for page in everything] == list(PAGES)
