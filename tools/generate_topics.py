"""Man pages of section 7: how resumption works, and what each finding means.

tlsresume-findings(7) is made from the same pages that `tlsresume explain` prints,
tlsresume(7) from `resumption.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from generate_man import FOLDER, bold, escape, italic, prose, terms
from resumption import INTRODUCTION, MECHANISMS, STATEMENTS
from tree import PROGRAM

from tlsresume import __version__
from tlsresume.features import entries
from tlsresume.formats.explanation import GROUPS, Explanation, pages, rows


def _head(name: str, about: str, maker: str) -> list[str]:
    return [
        f'.\\" Made by tools/generate_topics.py from {maker}; do not edit.',
        f'.TH {escape(name.upper())} 7 "" "{PROGRAM} {__version__}" "Miscellanea"',
        ".SH NAME",
        f"{escape(name)} \\- {escape(about)}",
    ]


def _see_also(*names: tuple[str, int]) -> str:
    return ",\n".join(f".BR {escape(name)} ({section})" for name, section in names)


def topic() -> str:
    """tlsresume(7)."""
    lines = [
        *_head(PROGRAM, "how TLS sessions are resumed", "tools/resumption.py"),
        ".SH DESCRIPTION",
        prose(INTRODUCTION.replace("*session*", "session")),
        ".SH MECHANISMS",
        *terms((bold(name), text) for name, text in MECHANISMS),
        ".SH WHAT OPENSSL SAYS, AND HOW TO SEE IT",
    ]
    for statement in STATEMENTS:
        lines += [f".SS {escape(statement.title)}", prose(statement.text)]
        lines += [".PP", f"Said in {escape(statement.source)}. To see it:", ".PP", ".RS 4", ".nf"]
        lines += [f"$ {escape(command)}" for command in statement.commands]
        lines += [".fi", ".RE"]
    lines += [
        ".SH SEE ALSO",
        _see_also(
            ("tlsresume", 1), ("tlsresume-findings", 7), ("SSL_set_session", 3),
            ("SSL_session_reused", 3), ("SSL_get_session", 3), ("SSL_shutdown", 3),
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def findings() -> str:
    """tlsresume-findings(7)."""
    every = pages(entries())
    lines = [
        *_head(
            f"{PROGRAM}-findings",
            "why a session was not resumed",
            "the rules in tlsresume/findings",
        ),
        ".SH DESCRIPTION",
        prose(
            "The codes that `tlsresume probe`, `resume`, `capture` and `serve` print, with what causes each,"
            " how it is told from others, what to do, and where people met it."
            " `tlsresume explain CODE` prints the same."
        ),
    ]
    for group, title in GROUPS.items():
        members = [page for page in every if page.group == group]
        if members:
            lines.append(f".SH {escape(title.upper())}")
        for page in members:
            lines += _page(page)
    lines += [
        ".SH SEE ALSO",
        _see_also(("tlsresume", 1), ("tlsresume-explain", 1), ("tlsresume", 7)),
    ]
    return "\n".join(lines) + "\n"


def _page(page: Explanation) -> Iterator[str]:
    yield f".SS {escape(page.code)}"
    yield prose(f"{page.title}.")
    for name, lines in rows(page):
        yield ".TP"
        yield italic(name)
        for number, line in enumerate(lines):
            if number:
                yield ".br"
            yield prose(line)


def outputs() -> dict[Path, str]:
    """The pages, by path relative to the checkout."""
    return {
        FOLDER / f"{PROGRAM}.7": topic(),
        FOLDER / f"{PROGRAM}-findings.7": findings(),
    }
