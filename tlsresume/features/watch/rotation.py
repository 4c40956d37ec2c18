"""From samples over time to what happened to ticket keys: pure.

A sample is one look at one target: which key names its addresses issued tickets
under, and what became of the session that the sample before had kept. Several
names at one address are nodes behind it. Nodes are out of step while one still
issues under an older key than another; a rotation that keeps the old key for a
while resumes sessions from before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tlsresume.features.watch.samples import (
    Across,
    KeyLife,
    OutOfStep,
    Place,
    Rotation,
    Sample,
    Sighting,
    Span,
    WatchedTarget,
    WatchReport,
)
from tlsresume.findings.across_targets import finding
from tlsresume.findings.wording import short
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.units import iso, span


def watch_report(
    samples: Iterable[Sample], *, history: str = "", max_key_age: float | None = None
) -> WatchReport:
    """Everything that samples show, target by target, in the order in which they appear."""
    by_target: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.time):
        by_target.setdefault(sample.target, []).append(sample)
    return WatchReport(
        history=history,
        targets=tuple(_target(name, own, max_key_age) for name, own in by_target.items()),
        max_key_age=max_key_age,
    )


class _Key(Struct):
    """The samples that saw one key on one address, by their places in the target's samples."""

    place: Place
    name: str | None
    seen: list[int]
    connections: int
    mechanisms: list[Mechanism]
    stateful: bool


def _target(name: str, samples: Sequence[Sample], max_key_age: float | None) -> WatchedTarget:
    good = [sample for sample in samples if sample.error is None]
    keys = _keys(good)
    rotations = tuple(_rotations(good, keys))
    steps = tuple(_out_of_step(good, keys))
    across = tuple(_across(good, _births(keys)))
    lives = tuple(_life(key, good) for key in keys)
    return WatchedTarget(
        target=name,
        samples=len(samples),
        failed=len(samples) - len(good),
        connections=sum(sample.connections for sample in samples),
        first=iso(samples[0].time),
        last=iso(samples[-1].time),
        error=samples[-1].error,
        keys=lives,
        rotations=rotations,
        across=across,
        out_of_step=steps,
        findings=(
            *_too_old(lives, max_key_age),
            *_lagging(steps),
            *_lost(across),
            *_lost_without_names(good),
        ),
    )


def _keys(samples: Sequence[Sample]) -> list[_Key]:
    found: dict[tuple[Place, str | None], _Key] = {}
    for at, sample in enumerate(samples):
        for sighting in sample.sightings:
            place = (sighting.address, sighting.port)
            key = found.setdefault(
                (place, sighting.key_name),
                _Key(place, sighting.key_name, [], 0, [], sighting.stateful),
            )
            if at not in key.seen[-1:]:
                key.seen.append(at)
            key.connections += sighting.connections
            if sighting.mechanism not in key.mechanisms:
                key.mechanisms.append(sighting.mechanism)
    return sorted(found.values(), key=lambda key: (key.place, key.seen[0], key.name or ""))


def _sampled(samples: Sequence[Sample], place: Place) -> list[int]:
    """The samples that saw an address at all."""
    return [
        at
        for at, sample in enumerate(samples)
        if any((seen.address, seen.port) == place for seen in sample.sightings)
    ]


def _life(key: _Key, samples: Sequence[Sample]) -> KeyLife:
    looked = _sampled(samples, key.place)
    spans: list[list[int]] = []
    for at in key.seen:
        before = looked[looked.index(at) - 1] if looked.index(at) else None
        if spans and spans[-1][1] == before:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    first, last = samples[key.seen[0]].time, samples[key.seen[-1]].time
    return KeyLife(
        address=key.place[0],
        port=key.place[1],
        key_name=key.name,
        first=iso(first),
        last=iso(last),
        seconds=round(last - first, 3),
        samples=len(key.seen),
        connections=key.connections,
        current=key.seen[-1] == looked[-1],
        stateful=key.stateful,
        mechanisms=tuple(key.mechanisms),
        spans=tuple(
            Span(first=iso(samples[start].time), last=iso(samples[end].time))
            for start, end in spans
        ),
    )


def _rotations(samples: Sequence[Sample], keys: Sequence[_Key]) -> Iterable[Rotation]:
    """Each key that an address got after its first sample, and the one it took over from."""
    for place in dict.fromkeys(key.place for key in keys):
        own = [key for key in keys if key.place == place and key.name is not None]
        looked = _sampled(samples, place)
        for new in own:
            if new.seen[0] == looked[0]:
                continue
            before = looked[looked.index(new.seen[0]) - 1]
            older = [key for key in own if key.seen[0] < new.seen[0] and key.seen[-1] >= before]
            if not older:
                continue
            old = max(older, key=lambda key: key.seen[0])
            both = samples[old.seen[-1]].time - samples[new.seen[0]].time
            yield Rotation(
                address=place[0],
                port=place[1],
                old_key=old.name or "",
                new_key=new.name or "",
                after=iso(samples[before].time),
                by=iso(samples[new.seen[0]].time),
                overlap=round(max(0.0, both), 3),
            )


def _births(keys: Sequence[_Key]) -> dict[str, int]:
    """The first sample that saw each key name, on whatever address."""
    born: dict[str, int] = {}
    for key in keys:
        if key.name is not None:
            born[key.name] = min(key.seen[0], born.get(key.name, key.seen[0]))
    return born


def _across(samples: Sequence[Sample], born: dict[str, int]) -> Iterable[Across]:
    """Offers of sessions under an older key where a newer one is in use."""
    found: dict[tuple[Place, str, str], list[bool]] = {}
    for sample in samples:
        for offer in sample.offers:
            old, new = offer.old_key or "", offer.new_key or ""
            if born.get(old, 0) >= born.get(new, 0):
                continue
            if offer.crosses and offer.outcome in ("resumed", "declined", "failed"):
                place = (offer.address, offer.port)
                found.setdefault((place, old, new), []).append(offer.outcome == "resumed")
    for (place, old, new), outcomes in found.items():
        yield Across(
            address=place[0],
            port=place[1],
            old_key=old,
            new_key=new,
            offered=len(outcomes),
            resumed=sum(outcomes),
        )


def _out_of_step(samples: Sequence[Sample], keys: Sequence[_Key]) -> Iterable[OutOfStep]:
    """Runs of samples in which some address issued under a key older than the newest.

    Addresses that never had a key in common are separate servers, not nodes of one; so
    such an address is only compared with itself.
    """
    born = _births(keys)
    shared = {name for name in born if len({key.place for key in keys if key.name == name}) > 1}
    related = {key.place for key in keys if key.name in shared}
    open_since: tuple[float, str, set[str]] | None = None
    for sample in samples:
        state = _behind(sample, born, related)
        if open_since is not None and state is None:
            since, newest, behind = open_since
            yield _step(since, sample.time, newest, behind)
            open_since = None
        elif state is not None:
            newest, behind = state
            since, _, known = open_since or (sample.time, newest, set())
            open_since = (since, newest, known | behind)
    if open_since is not None:
        yield _step(open_since[0], None, open_since[1], open_since[2])


def _step(since: float, until: float | None, newest: str, behind: set[str]) -> OutOfStep:
    return OutOfStep(
        since=iso(since),
        until=None if until is None else iso(until),
        newest=newest,
        behind=tuple(sorted(behind)),
    )


def _behind(
    sample: Sample, born: dict[str, int], related: set[Place]
) -> tuple[str, set[str]] | None:
    """The newest key of a sample, and the addresses that still issue under an older one."""
    groups: dict[Place | None, list[Sighting]] = {}
    for sighting in sample.sightings:
        if sighting.key_name is not None:
            place = (sighting.address, sighting.port)
            groups.setdefault(None if place in related else place, []).append(sighting)
    for group in groups.values():
        newest = max((seen.key_name or "" for seen in group), key=lambda name: born[name])
        behind = {
            seen.address
            for seen in group
            if seen.key_name is not None and born[seen.key_name] < born[newest]
        }
        if behind:
            return newest, behind
    return None


# -------------------------------------------------------------------- findings


def _too_old(lives: Sequence[KeyLife], max_key_age: float | None) -> Iterable[Finding]:
    old = [
        life
        for life in lives
        if max_key_age is not None
        and life.key_name is not None
        and life.current
        and life.seconds > max_key_age
    ]
    if old:
        yield finding(
            "ticket-key-too-old",
            (
                f"{life.address}: key {short(life.key_name)} unchanged from {life.first} to"
                f" {life.last}"
                for life in old
            ),
            addresses=(life.address for life in old),
            mechanisms=(mechanism for life in old for mechanism in life.mechanisms),
        )


_OWN_KEYS = (
    "whether the nodes are meant to share keys; where each has its own, tlsresume probe shows it"
)


_UNNAMED = (
    "whether the key was rotated, the server restarted, or another node with a key of its own"
    " answered: tlsresume probe tells the last"
)


def _lagging(steps: Sequence[OutOfStep]) -> Iterable[Finding]:
    now = [step for step in steps if step.until is None]
    if now:
        yield finding(
            "nodes-out-of-step",
            (
                f"since {step.since}: {', '.join(step.behind)} still issues under a key older than"
                f" {short(step.newest)}"
                for step in now
            ),
            not_known=(_OWN_KEYS,),
            addresses=(address for step in now for address in step.behind),
        )


def _lost(across: Sequence[Across]) -> Iterable[Finding]:
    lost = [each for each in across if each.resumed < each.offered]
    if lost:
        yield finding(
            "rotation-drops-sessions",
            (
                f"{each.address}: {each.resumed} of {each.offered} sessions under"
                f" {short(each.old_key)} resumed once {short(each.new_key)} was in use"
                for each in lost
            ),
            addresses=(each.address for each in lost),
        )


def _lost_without_names(samples: Sequence[Sample]) -> Iterable[Finding]:
    """Sessions of one sample that the next one finds declined, where tickets name no key."""
    unnamed = {
        (seen.address, seen.port, seen.mechanism)
        for sample in samples
        for seen in sample.sightings
        if seen.key_name is None and not seen.stateful
    }
    declined = [
        (sample, offer)
        for sample in samples
        for offer in sample.offers
        if (offer.address, offer.port, offer.mechanism) in unnamed
        and offer.old_key is offer.new_key is None
        and offer.outcome == "declined"
    ]
    if declined:
        yield finding(
            "rotation-drops-sessions",
            (
                f"{offer.address}: by {iso(sample.time)} a session {span(offer.age)} old was"
                f" declined ({offer.mechanism}); these tickets name no key"
                for sample, offer in declined
            ),
            not_known=(_UNNAMED,),
            addresses=(offer.address for _, offer in declined),
            mechanisms=(offer.mechanism for _, offer in declined),
        )
