"""How old may a session grow before the server refuses it?

Sessions are kept and offered at growing ages, each once. Where OpenSSL would
withhold one that is past its stated lifetime, a copy with a raised lifetime hint
is offered: the hint is the client's own bookkeeping, and not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tlsresume.evidence.purposes import Age, AtAge
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.sessions.session import Session
from tlsresume.value import Value

#: Bisecting ends when the span is this part of its lower end, or a second.
_FINE = 0.05

#: Sessions that grow old side by side while the span is narrowed: a wait for each would
#: take several times as long.
_AT_ONCE = 4

Progress = Callable[[str], None]


class _Kept(Value, frozen=True):
    session: Session
    since: float


async def _keep(setup: MechanismSetup, count: int) -> list[_Kept]:
    kept: list[_Kept] = []
    while len(kept) < count:
        attempt, _ = await setup.full(Age.FULL)
        own = [s for s in attempt.sessions if s.mechanism == setup.mechanism]
        if not own:
            break
        now = setup.lab.now()
        kept += [_Kept(session, now) for session in own]
    return kept[:count]


async def _offer_at(setup: MechanismSetup, kept: _Kept, age: float, progress: Progress) -> Trial:
    left = kept.since + age - setup.lab.now()
    if left > 0:
        progress(f"{setup.mechanism}: next offer at age {age:g} s, in {left:.0f} s")
        await setup.lab.wait(left)
    session = kept.session
    lifetime = session.lifetime
    if lifetime is not None and age >= lifetime:
        session = session.with_lifetime(int(age) + 60)
    attempt = await setup.offer(AtAge(age), session)
    answer = "reused" if attempt.resumed else "failed" if attempt.error else "new"
    progress(f"{setup.mechanism}: {answer} at age {age:g} s")
    return attempt


async def offer_at_ages(setup: MechanismSetup, ages: Sequence[float], progress: Progress) -> None:
    """Offer a session of its own at each age, in seconds, growing."""
    kept = await _keep(setup, len(ages))
    for one, age in zip(kept, sorted(ages), strict=False):
        await _offer_at(setup, one, age, progress)


async def find_lifetime(setup: MechanismSetup, longest: float, progress: Progress) -> None:
    """Double the age until a session is refused, then narrow the span between the oldest that
    was taken and the youngest that was refused. `longest` bounds the age, and three times
    that the time it takes."""
    ages = []
    age = 1.0
    while age < longest:
        ages.append(age)
        age *= 2
    ages.append(longest)
    kept = await _keep(setup, len(ages))
    good, bad = 0.0, None
    for one, age in zip(kept, ages, strict=False):
        attempt = await _offer_at(setup, one, age, progress)
        if attempt.resumed:
            good = age
        elif attempt.handshake_done or attempt.offered:
            bad = age
            break
    while bad is not None and bad - good > max(1.0, _FINE * good):
        ages = _between(good, bad)
        kept = await _keep(setup, len(ages))
        if not kept:
            return
        for one, age in zip(kept, ages, strict=False):
            attempt = await _offer_at(setup, one, age, progress)
            if not attempt.resumed:
                bad = age
                break
            good = age


def _between(good: float, bad: float) -> list[float]:
    """The ages to try next, which all grow in one wait; no closer than a second."""
    count = min(_AT_ONCE, max(1, int(bad - good) - 1))
    step = (bad - good) / (count + 1)
    return [good + step * n for n in range(1, count + 1)]
