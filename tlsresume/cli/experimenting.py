"""The options of `probe` that ask for more than its first round, or only for its plan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import values
from tlsresume.cli.demanding import duration
from tlsresume.cli.grouping import BareOrWithValue, add_options, check_together, flag, option
from tlsresume.experiment_names import EXPERIMENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsresume.cli.outputs import Outputs
    from tlsresume.options import ProbeOptions
    from tlsresume.targets.target import Target

GROUP = "Experiments, only when asked for"


_OPTIONS = (
    option(
        GROUP, "--experiment", "experiments", multiple=True, type=click.Choice(EXPERIMENT_NAMES),
        metavar="NAME",
        help="Run this experiment too, on each mechanism that is judged; may be repeated. One of"
        f" {', '.join(EXPERIMENT_NAMES)}. See --plan for what each asks.",
    ),
    option(
        GROUP, "--cross-name", "cross_names", multiple=True, metavar="NAME",
        callback=values.host_names,
        help="Offer the target's session under this other server name, to the same address; may"
        " be repeated. That server learns of the session.",
    ),
    option(
        GROUP, "--cross-alpn", "cross_protocols", multiple=True, metavar="PROTO",
        callback=lambda *given: values.protocols(*given) or (),
        help="Offer the session with this other ALPN protocol; may be repeated.",
    ),
    option(
        GROUP, "--age", "ages", multiple=True, metavar="TIME[,TIME...]", callback=values.ages,
        help="Keep sessions and offer them at these ages, such as 30,5m,2h; may be repeated.",
    ),
    option(
        GROUP, "--find-lifetime", metavar="MAX", callback=duration,
        help="Find how long sessions are honoured, up to this age, such as 2h. Takes several"
        " times as long; Ctrl-C reports what is known.",
    ),
    option(
        GROUP, "--replay-early-data", cls=BareOrWithValue, bare="GET", metavar="REQUEST",
        callback=values.request_line,
        help="Where tickets allow early data (0-RTT): send a request in it, and the same bytes"
        " again, as an attacker would. The server may execute each more than once. REQUEST is"
        " GET (the default), POST, or such as 'GET /status'; a mark for the log goes with it.",
    ),
    option(
        GROUP, "--replay-age", "replay_ages", only_typed=True, multiple=True,
        metavar="TIME[,TIME...]", callback=values.ages, needs="replay_early_data",
        help="With --replay-early-data: present a copy again after these pauses, such as 12s,60s;"
        " may be repeated.",
    ),
    flag(GROUP, "--plan", help="Say what would be run, and why, and connect to nothing."),
)  # fmt: skip


def experiment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them under the names of `ProbeOptions`, and `plan`."""

    @functools.wraps(function)
    def with_experiments(*args: Any, **kwargs: Any) -> Any:
        kwargs["experiments"] = tuple(dict.fromkeys(kwargs["experiments"]))
        check_together(kwargs, _OPTIONS)
        return function(*args, **kwargs)

    return add_options(*_OPTIONS)(with_experiments)


def show_plan(wanted: Sequence[tuple[Target, ProbeOptions]], outputs: Outputs) -> None:
    """Print the plan of a run. Raises click.UsageError for a format that has none."""
    from tlsresume.cli.tool import this_tool
    from tlsresume.formats import document, plan_text
    from tlsresume.results.plan import Plans
    from tlsresume.runs.before_probe import quic_beside
    from tlsresume.runs.plan import plan_probe

    for choice in outputs.choices:
        if choice.name not in ("text", "json"):
            raise click.UsageError(f"--plan has no {choice.name} format, only text and json")
    every = [
        each
        for target, options in wanted
        for each in ((target, options), *([quic_beside(target, options)] if options.quic else []))
    ]
    plans = Plans(plans=tuple(plan_probe(target, options) for target, options in every))
    outputs.emit(
        lambda view: plan_text.render_plans(plans, view),
        lambda: document.document(this_tool(), plans),
    )
