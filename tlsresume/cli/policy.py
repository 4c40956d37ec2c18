"""`tlsresume policy`: check policy files, and say in plain words what they demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli.grouping import GroupedCommand, add_options, flag, option
from tlsresume.policy.names import BUILTIN

if TYPE_CHECKING:
    import datetime as dt

    from tlsresume.errors import ExitStatus
    from tlsresume.formats.page import Page
    from tlsresume.policy.policy import Policy
    from tlsresume.policy.words import Sentence


@click.command("policy", cls=GroupedCommand)
@click.argument("files", nargs=-1, metavar="FILE|NAME...")
@add_options(
    option(
        "Output", "--target", metavar="HOST[:PORT]",
        help="Say what is demanded of this target, all sections taken together.",
    ),
    option(
        "Output", "--show", type=click.Choice(BUILTIN),
        help="Print the text of a built-in policy, to start one of your own.",
    ),
    flag("Output", "--schema", help="Print the JSON Schema of policy files, for editors."),
    flag("Output", "-q", "--quiet", help="Print only what is wrong."),
)  # fmt: skip
def command(
    files: tuple[str, ...], target: str | None, show: str | None, schema: bool, quiet: bool
) -> ExitStatus:
    """Check policies, and say what they demand of which target.

    A policy is a TOML file that probe --policy reads, or one of the built-in ones:
    default, strict, load-balanced, no-resumption.
    """
    from tlsresume.cli.console import write_data
    from tlsresume.errors import ExitStatus

    if show is not None:
        from tlsresume.policy.reading import builtin_text

        write_data(builtin_text(show))  # type: ignore[arg-type]  # click has checked it
    if schema:
        from tlsresume.policy.schema import schema_text

        write_data(schema_text())
    if not files and show is None and not schema:
        raise click.UsageError(f"missing FILE: name a policy file, or one of {', '.join(BUILTIN)}")
    wrong = [file for file in files if not _tell(file, target, quiet=quiet)]
    return ExitStatus.FILE if wrong else ExitStatus.OK


def _tell(file: str, target: str | None, *, quiet: bool) -> bool:
    """Say what one policy demands, or what is wrong with it; whether it can be used."""
    import datetime as dt

    from tlsresume.cli.console import report_error, stdout, view_of, write_data
    from tlsresume.cli.demanding import read_policy
    from tlsresume.errors import PolicyFileError
    from tlsresume.formats.page import Page

    try:
        policy = read_policy(file)
    except PolicyFileError as error:
        report_error(error)
        return False
    if not quiet:
        page = Page(view_of(stdout()))
        _put_policy(page, file, policy, target, dt.datetime.now(dt.UTC).date())
        write_data(page.render())
    return True


def _put_policy(page: Page, file: str, policy: Policy, target: str | None, today: dt.date) -> None:
    from tlsresume.formats.page import BAD, FAIR, GOOD, STRONG
    from tlsresume.policy.words import paragraphs, sentences
    from tlsresume.targets.target import parse_target

    page.line((file, STRONG), "  ", ("valid", GOOD), f"  {policy.about}" if policy.about else "")
    if target is not None:
        name = parse_target(target).name
        page.line(f"Of {name}:")
        _put_sentences(page, sentences(policy.demands_on(name), policy.sources))
    else:
        for paragraph in paragraphs(policy):
            page.line(f"Of {paragraph.whose}:")
            _put_sentences(page, paragraph.sentences)
    for code, severity in policy.findings.items():
        page.prose(f"{code} is graded {severity}.", first="  finding: ")
    for waiver in policy.waivers:
        over = waiver.expired(today)
        words = f"{waiver.demand} of {waiver.target}, until {waiver.expires}: {waiver.reason}"
        first, style = ("  waiver EXPIRED: ", BAD) if over else ("  waiver: ", FAIR)
        page.prose(words, first=first, style=style)


def _put_sentences(page: Page, found: tuple[Sentence, ...]) -> None:
    from tlsresume.formats.page import FAINT

    for sentence in found:
        page.prose(sentence.text, first="  - ")
        if sentence.source:
            page.prose(sentence.source, first="    source: ", style=FAINT, text_style=FAINT)
