"""What decides the exit status of `probe` and `resume`: `--fail-on`, `--ignore`, `--exit-zero`."""

from __future__ import annotations

import click

from tlsresume.cli.grouping import flag, option
from tlsresume.cli.values import callback
from tlsresume.policy.names import FAIL_ON

GROUP = "Exit status"


@callback
def codes(values: tuple[str, ...]) -> tuple[str, ...]:
    """Codes of findings, each once; none that no finding has."""
    if not values:
        return ()
    from tlsresume.policy.reading import unknown_code

    values = tuple(value.strip().lower() for value in values)
    for value in values:
        if hints := unknown_code(value):
            meant = f": {hints[0]}" if len(hints) > 1 else f"; {hints[0]}"
            raise ValueError(f"no finding has the code {value!r}{meant}")
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
