"""`tlsresume explain`: what a finding's code means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand
from tlsresume.cli.outputs import Outputs, output_options

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.formats.explanation import Explanations


#: More pages than this would be a list, and there is one.
_PAGES_NAMED = 3


@click.command("explain", cls=GroupedCommand)
@click.argument("code", required=False, metavar="[CODE]")
@output_options("text", "json")
def command(code: str | None, outputs: Outputs) -> ExitStatus:
    """Explain the CODE of a finding, or list all codes.

    A page tells the cause, how tlsresume tells it from others, what to do, and where
    people met it. Nothing is contacted. The same pages are in tlsresume-findings(7).
    """
    from tlsresume.errors import ExitStatus, UsageError
    from tlsresume.features import entries
    from tlsresume.formats import explanation

    every = explanation.pages(entries())
    chosen = [page for page in every if code in (None, page.code)]
    if not chosen:
        meant = explanation.nearest(code or "", every)
        telling = explanation.telling_of(code or "", every)[:_PAGES_NAMED]
        raise UsageError(
            f"there is no finding with the code {code!r}",
            hints=(
                *((f"did you mean: tlsresume explain {meant}",) if meant else ()),
                *(f"these words are in: tlsresume explain {name}" for name in telling),
                "all codes: tlsresume explain",
            ),
        )
    outputs.emit(
        lambda view: (
            explanation.render_list(view, every)
            if code is None
            else explanation.render_page(chosen[0], view)
        ),
        lambda: _document(explanation.Explanations(explanations=tuple(chosen))),
    )
    return ExitStatus.OK


def _document(explanations: Explanations) -> str:
    from tlsresume.cli.tool import this_tool
    from tlsresume.formats.document import document

    return document(this_tool(), explanations)
