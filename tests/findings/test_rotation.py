"""features/watch/rotation.py: from samples over time to rotations, overlaps and what went wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsresume.features.watch.rotation import watch_report
from tlsresume.features.watch.samples import Offer, Sample, Sighting
from tlsresume.units import iso

START = 1_800_000_000.0
ONE, TWO = "192.0.2.1", "192.0.2.2"
A, B, C = ("aa" * 16, "bb" * 16, "cc" * 16)


def at(minute: float) -> str:
    return iso(START + 60 * minute)


def seen(address: str, *names: str | None, mechanism: str = "psk") -> list[Sighting]:
    return [
        Sighting(
            address=address,
            port=443,
            mechanism=mechanism,  # type: ignore[arg-type]  # a str in tests
            key_name=name,
            connections=2,
            lifetime=300,
        )
        for name in names
    ]


def sample(minute: float, *sightings: list[Sighting], offers=(), **parts) -> Sample:
    return Sample(
        time=START + 60 * minute,
        target="example.test:443",
        sightings=tuple(each for some in sightings for each in some),
        offers=tuple(offers),
        connections=6,
        **parts,
    )


def offer(old: str | None, new: str | None, outcome: str = "resumed", address: str = ONE) -> Offer:
    return Offer(
        address=address,
        port=443,
        mechanism="psk",
        age=60.0,
        old_key=old,
        new_key=new,
        outcome=outcome,  # type: ignore[arg-type]  # a str in tests
    )


def only(*samples: Sample, **options):
    (target,) = watch_report(samples, **options).targets
    return target


def test_one_key():
    """A key that stays has one span from first to last sight, and nothing is wrong."""
    target = only(*(sample(n, seen(ONE, A)) for n in range(3)))
    (key,) = target.keys
    assert (key.first, key.last, key.seconds, key.samples) == (at(0), at(2), 120.0, 3)
    assert (key.current, key.connections, len(key.spans)) == (True, 6, 1)
    assert (target.rotations, target.out_of_step, target.findings) == ((), (), ())
    assert (target.samples, target.connections) == (3, 18)


def test_a_rotation():
    """A new key is dated between the last sample without it and the first with it."""
    target = only(sample(0, seen(ONE, A)), sample(1, seen(ONE, A)), sample(2, seen(ONE, B)))
    (rotation,) = target.rotations
    assert (rotation.old_key, rotation.new_key) == (A, B)
    assert (rotation.after, rotation.by, rotation.overlap) == (at(1), at(2), 0.0)
    assert [key.current for key in target.keys] == [False, True]
    assert target.out_of_step == ()


def test_nodes_out_of_step_behind_one_address():
    """While nodes behind one address issue under two keys the overlap is counted; the time ends
    when the older key is gone."""
    target = only(
        sample(0, seen(ONE, A)),
        sample(1, seen(ONE, A, B)),
        sample(2, seen(ONE, B, A)),
        sample(3, seen(ONE, B)),
    )
    assert [rotation.overlap for rotation in target.rotations] == [60.0]
    (step,) = target.out_of_step
    assert (step.since, step.until, step.newest, step.behind) == (at(1), at(3), B, (ONE,))
    assert target.findings == ()


def test_an_address_that_stays_behind():
    """An address that still issues under the older key in the last sample is a finding."""
    target = only(
        sample(0, seen(ONE, A), seen(TWO, A)),
        sample(1, seen(ONE, B), seen(TWO, A)),
    )
    (step,) = target.out_of_step
    assert (step.until, step.behind) == (None, (TWO,))
    (finding,) = target.findings
    assert finding.code == "nodes-out-of-step"
    assert TWO in finding.evidence[0]


def test_addresses_with_keys_of_their_own():
    """Addresses that never had a key in common rotate by themselves: none is behind another."""
    target = only(
        sample(0, seen(ONE, A), seen(TWO, C)),
        sample(1, seen(ONE, B), seen(TWO, C)),
    )
    assert target.out_of_step == ()
    assert len(target.rotations) == 1


def test_two_keys_from_the_start():
    """Of two keys that were there in the first sample neither is the newer one."""
    target = only(*(sample(n, seen(ONE, A, B)) for n in range(3)))
    assert (target.rotations, target.out_of_step) == ((), ())


def test_a_key_that_comes_back():
    """A key that was away for a sample has two spans."""
    target = only(sample(0, seen(ONE, A)), sample(1, seen(ONE, B)), sample(2, seen(ONE, A)))
    spans = {key.key_name: len(key.spans) for key in target.keys}
    assert spans == {A: 2, B: 1}


def test_a_failed_sample_is_no_gap():
    """A sample that failed, or did not reach an address, says nothing of its keys."""
    target = only(
        sample(0, seen(ONE, A), seen(TWO, A)),
        sample(1, error="connection refused"),
        sample(2, seen(ONE, A)),
        sample(3, seen(ONE, A), seen(TWO, A)),
    )
    assert [len(key.spans) for key in target.keys] == [1, 1]
    assert (target.failed, target.samples, target.error) == (1, 4, None)


def test_across_a_rotation():
    """Sessions from before a rotation are counted where the newer key is in use, and not where
    a newer session meets a node that is behind."""
    target = only(
        sample(0, seen(ONE, A)),
        sample(1, seen(ONE, B, A), offers=[offer(A, B)]),
        sample(2, seen(ONE, B, A), offers=[offer(B, A, "declined")]),
        sample(3, seen(ONE, B), offers=[offer(A, B, "declined"), offer(B, B)]),
    )
    (across,) = target.across
    assert (across.old_key, across.new_key, across.offered, across.resumed) == (A, B, 2, 1)
    assert [finding.code for finding in target.findings] == ["rotation-drops-sessions"]


@pytest.mark.parametrize("outcome", ["expired", "not-offered"])
def test_what_was_not_offered_proves_nothing(outcome):
    """A session that was too old to be offered counts neither way."""
    target = only(sample(0, seen(ONE, A)), sample(1, seen(ONE, B), offers=[offer(A, B, outcome)]))
    assert target.across == ()


@pytest.mark.parametrize(("age", "codes"), [(119, ["ticket-key-too-old"]), (120, []), (None, [])])
def test_the_greatest_age(age, codes):
    """A key that is in use for longer than allowed is an error; one that is gone is not."""
    samples = [sample(n, seen(ONE, A)) for n in range(3)]
    assert [f.code for f in only(*samples, max_key_age=age).findings] == codes
    gone = only(*samples, sample(3, seen(ONE, B)), max_key_age=age)
    assert gone.findings == ()


def test_no_key_name():
    """Tickets whose key cannot be seen are listed, and rotate nothing."""
    target = only(sample(0, seen(ONE, None)), sample(1, seen(ONE, A)), max_key_age=1)
    assert [key.key_name for key in target.keys] == [None, A]
    assert target.rotations == ()


@pytest.mark.parametrize(
    ("outcome", "stateful", "codes"),
    [
        ("declined", False, ["rotation-drops-sessions"]),
        ("resumed", False, []),
        ("expired", False, []),
        ("declined", True, []),
    ],
)
def test_a_rotation_that_shows_no_names(outcome, stateful, codes):
    """Where tickets name no key, a session of the sample before that is declined is all that
    shows: it is told, with what else it may be."""
    unnamed = [replace(each, stateful=stateful) for each in seen(ONE, None)]
    target = only(sample(0, unnamed), sample(1, unnamed, offers=[offer(None, None, outcome)]))
    assert [finding.code for finding in target.findings] == codes
    for finding in target.findings:
        assert "restarted" in finding.not_known[0]


def test_mechanisms_share_a_row():
    """One key name of TLS 1.2 and 1.3 is one key."""
    both = [seen(ONE, A), seen(ONE, A, mechanism="ticket")]
    (key,) = only(sample(0, *both), sample(1, *both)).keys
    assert (key.mechanisms, key.samples) == (("psk", "ticket"), 2)


def test_nothing():
    """No samples, no targets."""
    assert watch_report([]).targets == ()


names = st.sampled_from([A, B, C, None])
places = st.sampled_from([ONE, TWO])


@given(
    st.lists(
        st.lists(st.tuples(places, names), max_size=4).map(
            lambda pairs: [each for address, name in pairs for each in seen(address, name)]
        ),
        max_size=8,
    ),
    st.booleans(),
)
def test_any_history(rounds, failing):
    """Any order of samples gives a report; every time that is told lies within the watch."""
    samples = [
        sample(n, some, error="refused" if failing and n % 3 == 1 else None)
        for n, some in enumerate(rounds)
    ]
    for target in watch_report(samples, max_key_age=60).targets:
        for key in target.keys:
            assert (target.first or "") <= key.first <= key.last <= (target.last or "")
            assert key.spans[0].first == key.first
            assert key.spans[-1].last == key.last
        for rotation in target.rotations:
            assert rotation.after < rotation.by
            assert rotation.old_key != rotation.new_key
