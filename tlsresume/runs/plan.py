"""What a probe would do, without doing it: `tlsresume probe --plan`.

Pure: nothing is resolved and nothing connected to, so all that depends on a
server's answers is told as a condition, and numbers of connections are upper bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.experiments import crossing, early_data, other_names
from tlsresume.experiments.connections import VERSION_OF, VERSIONS_OF
from tlsresume.experiments.ladder import EXPERIMENTS, Experiment
from tlsresume.options import ProbeOptions
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.plan import Stage, Step, TargetPlan
from tlsresume.runs.before_probe import share_budget
from tlsresume.runs.follow_up import follow_ups
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.target import Target

#: What another protocol costs: the target's session, then the offer.
_CROSS_ALPN = 2
#: Experiments that take a session from a file.
_OF_FILES = frozenset({"own-name"})


def plan_probe(target: Target, options: ProbeOptions) -> TargetPlan:
    """What `probe` would do to a target with these options."""
    versions = set(options.connect.tls) & set(VERSIONS_OF[target.transport])
    mechanisms = tuple(name for name in MECHANISMS if VERSION_OF[name] in versions)
    covers = _covers(options)
    stages = [_first_round(mechanisms, options.tries)]
    if options.explain:
        stages += [_ladder(target.transport), _matrix()]
    more = (each.stage(target, options) for each in follow_ups())
    stages += [stage for stage in more if stage is not None]
    asked = tuple(_asked_for(options))
    if asked:
        stages.append(
            Stage(
                title="Asked for",
                when="after that, on each judged mechanism that is issued",
                each="per address and mechanism",
                steps=asked,
            )
        )
    if options.early_request is not None and target.transport != "dtls":
        stages.append(_replays(options))
    return TargetPlan(
        target=target.name,
        connect=_where(target),
        mechanisms=mechanisms,
        budget=options.budget,
        covers=covers,
        limits=(*target.notes, *_limits(options, covers)),
        stages=tuple(stages),
    )


def _where(target: Target) -> str | None:
    """The address that is gone to instead of asking DNS."""
    return None if target.connect is None else format_endpoint(*target.dial_to)


def _covers(options: ProbeOptions) -> int:
    """How many addresses the budget allows all tries on."""
    fits = (
        count
        for count in range(options.max_addresses, 0, -1)
        if share_budget(options.budget, count, options.tries).addresses == count
        and share_budget(options.budget, count, options.tries).tries == options.tries
    )
    return next(fits, 0)


def _limits(options: ProbeOptions, covers: int) -> Iterator[str]:
    yield (
        f"at most {options.budget} connections in all (--budget), {options.concurrency} at a"
        f" time to one address (--concurrency), {options.max_addresses} addresses"
        " (--max-addresses)"
    )
    if covers < options.max_addresses:
        yield (
            f"the budget covers {covers} of them: with more there are fewer tries, down to 3,"
            " and then addresses are left out, and named"
        )
    if options.replay_ages:
        yield f"first flights grow {max(options.replay_ages):g} s old: it takes as much longer"
    waiting = max((*options.ages, options.find_lifetime or 0.0, 0.0))
    if waiting:
        yield f"sessions grow {waiting:g} s old: the run takes at least as long"


def _first_round(mechanisms: tuple[Mechanism, ...], tries: int) -> Stage:
    return Stage(
        title="First round",
        when="always, on each address; the tries are shuffled",
        each="per address",
        steps=tuple(
            Step(
                name=name,
                question=f"is one issued? then {tries} tries with one session, and {tries} with"
                " a fresh one each time",
                connections=2 + 2 * tries,
            )
            for name in mechanisms
        ),
    )


def _ladder(transport: Transport) -> Stage:
    harmless = [
        each for each in EXPERIMENTS.values() if each.harmless and each.unable(transport) is None
    ]
    return Stage(
        title="To find the cause",
        when="only where a judged mechanism does not resume on every try, and of these only"
        " what separates the causes left; it ends when one is left (--no-explain: never)",
        each="per address and mechanism",
        steps=tuple(_step(each) for each in harmless if each.name not in _OF_FILES),
    )


def _matrix() -> Stage:
    return Stage(
        title="Which address accepts whose sessions",
        when="with several addresses where sessions resume",
        each="for two addresses; with n, 2n(n-1) for psk and n*n for the others",
        steps=(
            Step(
                name="psk",
                question="each address's tickets offered to every other, each once",
                connections=crossing.cost(2, single=True),
            ),
            Step(
                name="others",
                question="each address's session offered to every other",
                connections=crossing.cost(2, single=False),
            ),
        ),
    )


def _replays(options: ProbeOptions) -> Stage:
    line = options.early_request
    assert line is not None  # noqa: S101  only asked for where there is one
    request = f"{line.method} {line.target('RANDOM')}"
    steps = [
        Step(
            name="taken",
            question=f"is {request} taken as early data, and how is it answered? a full"
            " handshake with it comes first; where it fails, or gets 425, it is tried without",
            connections=early_data.TAKING,
        ),
        Step(
            name="same-ticket",
            question="is early data taken again with the same ticket?",
            connections=early_data.SAME_TICKET,
        ),
        Step(
            name="exact-copy",
            question="are the same bytes taken twice? the copy goes first",
            connections=early_data.EXACT_COPY,
        ),
        Step(
            name="held",
            question="is the request answered while our Finished is held back?",
            connections=early_data.HOLDING,
        ),
        Step(
            name="other-address",
            question="with several addresses: are bytes taken that another one had before?",
            connections=early_data.OTHER_ADDRESS,
        ),
    ]
    if options.replay_ages:
        spans = ", ".join(f"{age:g} s" for age in sorted(options.replay_ages))
        steps.append(
            Step(
                name="after",
                question=f"are the same bytes taken again after {spans}?",
                connections=early_data.AT_AGE * len(options.replay_ages),
            )
        )
    return Stage(
        title="Replays of early data",
        when="last, where TLS 1.3 tickets allow early data; each question has fresh sessions, and"
        " each request an ID of its own",
        each="per address",
        steps=tuple(steps),
    )


def _asked_for(options: ProbeOptions) -> Iterator[Step]:
    for experiment in options.experiments:
        yield _step(EXPERIMENTS[experiment])
    for name in options.cross_names:
        question = f"is the session accepted for {name}, which learns of it by that?"
        more = other_names.WITH_CERTIFICATE if options.connect.certificate is not None else 0
        yield Step(name="cross-name", question=question, connections=other_names.CONNECTIONS + more)
    for protocol in options.cross_protocols:
        question = f"is the session accepted with ALPN {protocol}?"
        yield Step(name="cross-alpn", question=question, connections=_CROSS_ALPN)
    if options.ages:
        spans = ", ".join(f"{age:g} s" for age in sorted(options.ages))
        question = f"is a session still accepted at the age of {spans}?"
        yield Step(name="age", question=question, connections=2 * len(options.ages))
    if options.find_lifetime is not None:
        question = (
            f"for how long is a session accepted, up to {options.find_lifetime:g} s? ages are"
            " doubled, then bisected"
        )
        doublings = max(1, int(options.find_lifetime).bit_length())
        yield Step(name="find-lifetime", question=question, connections=2 * (doublings + 6))


def _step(experiment: Experiment) -> Step:
    return Step(name=experiment.name, question=experiment.question, connections=experiment.cost)
