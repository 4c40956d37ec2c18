"""The matrix of who accepts whose sessions, and how long sessions are honoured, for people."""

from __future__ import annotations

from dataclasses import replace

from tests.golden.cases import address, psk, ticket
from tests.helpers.rows import each_row
from tlsresume.formats.crossing_text import crossing_sentences, put_crossings, put_lifetimes
from tlsresume.formats.page import Page, View
from tlsresume.results.judged import Crossing, LifetimeResult

A, B, C = "192.0.2.20", "192.0.2.21", "2001:db8::20"


def crossing(issuing: str, accepting: str, accepted: int, offered: int = 2, **more) -> Crossing:
    known = {"by": "address", "mechanism": "psk"} | more
    return Crossing(
        issuing=issuing, accepting=accepting, offered=offered, accepted=accepted, **known
    )


def show(crossings, addresses=(), *, verbose=False, width=80) -> str:
    page = Page(View(width=width, verbose=verbose))
    put_crossings(page, crossings, addresses)
    return page.render()


def test_the_matrix_is_small_and_has_a_legend():
    """Rows issue, columns accept; what was never tried is a dot; the diagonal is each
    address's own rate."""
    crossings = [crossing(A, B, 2), crossing(A, C, 0), crossing(B, A, 1), crossing(C, A, 0)]
    addresses = [address(A, psk("RRR", "RRR")), address(B, psk("RNR", "RNR"))]
    assert show(crossings, addresses) == (
        "\n"
        "Which addresses accept whose psk sessions\n"
        "                      A    B    C\n"
        "  A 192.0.2.20        +    +    -\n"
        "  B 192.0.2.21      1/2  2/3    .\n"
        "  C 2001:db8::20      -    .    .\n"
        "Row: where the session was issued; column: where it was offered. + accepted, -\n"
        "refused, k/n accepted k times of n, . not tried.\n"
    )


def test_a_matrix_of_yes_is_a_sentence():
    """Where everything is accepted one line says so, and -v draws it all the same."""
    crossings = [crossing(A, B, 2), crossing(B, A, 2)]
    addresses = [address(A, psk("RRR", "RRR")), address(B, psk("RRR", "RRR"))]
    assert show(crossings, addresses) == ("\nAll 2 addresses accept each other's psk sessions.\n")
    assert "  A 192.0.2.20    +  +\n" in show(crossings, addresses, verbose=True)


def test_alike_mechanisms_share_a_matrix():
    """Two mechanisms with the same answers are drawn once."""
    both = [
        crossing(one, other, 0, mechanism=mechanism)
        for mechanism in ("psk", "ticket")
        for one, other in ((A, B), (B, A))
    ]
    rows = (psk("RRR", "RRR"), ticket("RRR", "RRR"))
    shown = show(both, [address(A, *rows), address(B, *rows)])
    assert shown.count("Which addresses accept whose psk and ticket sessions\n") == 1
    assert shown.count("Which") == 1


def test_nodes_are_named_and_in_order():
    """Nodes behind one address stand in the order of their names; one alone is no matrix."""
    nodes = [
        crossing("web-b", "web-a", 0, by="node"),
        crossing("web-a", "web-a", 2, by="node"),
        crossing("web-b", "web-b", 2, by="node"),
    ]
    shown = show(nodes)
    assert "Which nodes accept whose psk sessions\n" in shown
    assert shown.index("A web-a") < shown.index("B web-b")
    assert show([crossing("web-a", "web-a", 2, by="node")]) == ""
    assert show([]) == ""


def test_many_places_have_numbers():
    """Beyond the alphabet places are numbered, and nothing is cut."""
    names = [f"node{n:02}" for n in range(30)]
    shown = show([crossing(names[0], name, 0, by="node") for name in names])
    assert all(name in shown for name in names)
    assert "  30 node29" in shown


# ------------------------------------------------------------------- lifetimes


def lifetime(**fields) -> str:
    base = LifetimeResult(
        address=A, mechanism="psk", promised_s=7200, honoured_s=None, refused_s=None
    )
    page = Page(View(width=200))
    put_lifetimes(page, [replace(base, **fields)])
    return page.render().splitlines()[-1]


@each_row(
    "fields, expected",
    [
        (
            {"honoured_s": 300.0, "refused_s": 315.0, "raised_hint": True},
            (
                "  psk: honours sessions for 300 to 315 s, promised 7200 s; past the promise, copies"
                " with a raised lifetime hint were offered"
            ),
        ),
        (
            {"honoured_s": 3.0, "refused_s": 3.5, "promised_s": 4},
            "  psk: honours sessions for 3 to 3.5 s, promised 4 s",
        ),
        (
            {"honoured_s": 60.0},
            (
                "  psk: honours sessions for 60 s at least, the oldest age that was tried,"
                " promised 7200 s"
            ),
        ),
        (
            {"refused_s": 1.0, "promised_s": None},
            "  psk: refused at 1 s, the youngest age that was tried, nothing promised",
        ),
        (
            {"honoured_s": 8.0, "refused_s": 4.0},
            "  psk: taken at 8 s but refused at 4 s: not by age alone, promised 7200 s",
        ),
        (
            {"honoured_s": 30.0, "refused_s": 40.0, "alert_at_s": 40.0},
            (
                "  psk: honours sessions for 30 to 40 s, promised 7200 s; at 40 s the handshake fails"
                " instead of becoming a full one"
            ),
        ),
    ],
)
def test_lifetimes_stand_beside_the_promise(fields, expected):
    """What was honoured is a span between two ages that were tried, beside what was promised."""
    assert lifetime(**fields) == expected


def test_a_matrix_is_a_sentence_on_the_first_screen():
    """Who accepts whose sessions is one sentence: all, none, or in how many directions."""

    def sentences(*pairs: tuple[str, str, int]) -> list[str]:
        found = [
            Crossing(by="address", mechanism=name, issuing=a, accepting=b, offered=1, accepted=n)
            for name in ("psk", "ticket")
            for a, b, n in pairs
        ]
        return list(crossing_sentences(found, ()))

    assert sentences(("a", "b", 1), ("b", "a", 1)) == [
        "All 2 addresses accept each other's TLS 1.3 and TLS 1.2 tickets."
    ]
    assert sentences(("a", "b", 0), ("b", "a", 0)) == [
        "None of 2 addresses accepts another's TLS 1.3 and TLS 1.2 tickets."
    ]
    assert sentences(("a", "b", 1), ("b", "a", 0)) == [
        "Across addresses, 1 of 2 directions accept TLS 1.3 and TLS 1.2 tickets."
    ]
