"""What decides the exit status of `probe` and `resume`: `--fail-on`, `--ignore`, `--exit-zero`."""

from __future__ import annotations

import click

from tlsresume.cli.grouping import flag, option
from tlsresume.policy.names import FAIL_ON

GROUP = "Exit status"


def codes(
    _context: click.Context | None, _option: click.Parameter | None, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Codes of findings, each once. Raises BadParameter for one that no finding has."""
    if not values:
        return ()
    from tlsresume.findings.catalogue import RULES

    known = {rule.code for rule in RULES}
    values = tuple(value.strip().lower() for value in values)
    for value in values:
        if value not in known:
            import difflib

            close = difflib.get_close_matches(value, sorted(known), 1, 0.5)
            hint = f": did you mean {close[0]}?" if close else "; all codes: tlsresume explain"
            raise click.BadParameter(f"no finding has the code {value!r}{hint}")
    return tuple(dict.fromkeys(values))


#: The arguments `fail_on` and `ignore`.
FINDING_OPTIONS = (
    option(
        GROUP, "--fail-on", type=click.Choice(FAIL_ON), default="error",
        show_default=True,
        help="Exit 3 on findings so grave or graver, after the policy's grades. Demands fail"
        " as ever.",
    ),
    option(
        GROUP, "--ignore", metavar="CODE", multiple=True, callback=codes,
        help="Do not fail on this finding, such as other-ticket-key; it is reported as"
        " ignored. May be given several times.",
    ),
)  # fmt: skip

exit_zero_option = flag(
    GROUP,
    "--exit-zero",
    help="Exit 0 whatever the answer is (3, 4, 6); other failures keep their status.",
)
