"""`tlsresume explain`: what a finding's code means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand
from tlsresume.cli.outputs import Outputs, output_options

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.formats.explanation import Explanation, Explanations


# Lines of logs have words like "-1", which are no options of ours.
@click.command("explain", cls=GroupedCommand, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="[CODE | WORDS...]")
@output_options("text", "json")
def command(words: tuple[str, ...], outputs: Outputs) -> ExitStatus:
    """Explain the CODE of a finding, or list all codes; find the page for WORDS of a log.

    A page tells the cause, how tlsresume tells it from others, what to do, and where
    people met it. WORDS are a line of another program's log, quoted or not. Nothing is
    contacted. The same pages are in tlsresume-findings(7).
    """
    from tlsresume.errors import ExitStatus
    from tlsresume.features import entries
    from tlsresume.formats import explanation

    every = explanation.pages(entries())
    if not words:
        listed = explanation.Explanations(explanations=every)
        outputs.emit(lambda view: explanation.render_list(view, every), lambda: _document(listed))
        return ExitStatus.OK
    found = _find(" ".join(words), every)
    outputs.emit(
        lambda view: explanation.render_page(found.explanations[0], view, found.others),
        lambda: _document(found),
    )
    return ExitStatus.OK


def _find(asked: str, every: tuple[Explanation, ...]) -> Explanations:
    """The page of a code, or of the message that the words are most like. Raises UsageError."""
    from tlsresume.errors import UsageError
    from tlsresume.formats import explanation, page_search

    exact = [page for page in every if page.code == asked]
    if exact:
        return explanation.Explanations(explanations=tuple(exact))
    meant = explanation.nearest(asked, every)
    found = page_search.search(asked, every)
    # One word without a space is a code that was mistyped, unless it is a known message.
    if found.pages and (" " in asked.strip() or found.whole or meant is None):
        return explanation.Explanations(
            explanations=found.pages[:1],
            words=asked,
            others=tuple(page.code for page in found.pages[1:]),
        )
    kind = "page for the words" if " " in asked.strip() else "finding with the code"
    raise UsageError(
        f"there is no {kind} {asked[:200]!r}",
        hints=(
            *((f"did you mean: tlsresume explain {meant}",) if meant else ()),
            "all codes: tlsresume explain",
        ),
    )


def _document(explanations: Explanations) -> str:
    from tlsresume.cli.tool import this_tool
    from tlsresume.formats.document import document

    return document(this_tool(), explanations)
