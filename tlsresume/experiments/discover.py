"""Which TLS versions does this address speak, and what does it issue?

One full handshake per mechanism. The first one goes alone until its handshake is done:
where nothing listens, nothing more is asked, and a peer that says nothing is asked once
more only. The others need not wait for its ticket. Where TLS 1.3 alone fails and the server does not
say that it is the version, one more offers both versions, as ordinary clients do:
a server that then chooses TLS 1.2 speaks no TLS 1.3. Where it says that it is the version, and
another connection says that TLS 1.3 is spoken (RFC 8446 section 4.1.3), nodes may differ: it is
asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, field

from tlsresume.errors import BudgetSpent
from tlsresume.evidence.purposes import Discover
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import VERSION_OF, TargetSetup
from tlsresume.lab import Lab, Milestones, Route, Task
from tlsresume.results.connection import Mechanism
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.value import Value

#: The alert protocol_version (RFC 8446 section 6).
_PROTOCOL_VERSION = 70

#: How often TLS 1.3 is asked for again where it was refused, and another connection says that it
#: is spoken: of two nodes that are picked at random, one is missed so often once in 16 times.
_ASKED_AGAIN = 4


#: Told of the full handshake of a mechanism, as soon as it has ended.
OnFull = Callable[[Mechanism, Trial], None]


class Discovery(Value, frozen=True):
    """The full handshake of each mechanism that was asked for, as far as it got.

    `both` offered both versions, where TLS 1.3 alone had failed without a clear reason.
    """

    full: dict[Mechanism, Trial]
    both: Trial | None = None

    def issued(self, mechanism: Mechanism) -> bool:
        """Whether a session of this mechanism came."""
        attempt = self.full.get(mechanism)
        return attempt is not None and attempt.handshake_done and issues(attempt, mechanism)

    @property
    def in_doubt(self) -> dict[ProtocolVersion | Mechanism, Trial]:
        """What is not known to be spoken, nor to be unspoken, with the attempt that broke:
        a version, or a mechanism where its version is known to be spoken."""
        spoken = {VERSION_OF[name] for name, attempt in self.full.items() if attempt.handshake_done}
        doubts: dict[ProtocolVersion | Mechanism, Trial] = {}
        for name, attempt in self.full.items():
            version = VERSION_OF[name]
            if attempt.handshake_done or not spoken:
                continue
            if version in spoken:
                doubts[name] = attempt
            elif self._doubtful(version, attempt):
                doubts.setdefault(version, attempt)
        return doubts

    def _doubtful(self, version: ProtocolVersion, attempt: Trial) -> bool:
        if version is ProtocolVersion.TLSv1_3 and self.both is not None:
            return self.both.tls_version != ProtocolVersion.TLSv1_2 or not self.both.handshake_done
        chosen = attempt.server_hello_seen and attempt.tls_version is version
        silent = attempt.error is not None and attempt.error.kind in ("timeout", "rate-limit")
        return chosen or silent

    @property
    def presumed(self) -> Trial | None:
        """An attempt by which TLS 1.2 is taken for unspoken beside TLS 1.3, though the server did
        not say that it is the version."""
        psk = self.full.get("psk")
        if psk is None or not psk.handshake_done or self.in_doubt:
            return None
        older = [a for name, a in self.full.items() if VERSION_OF[name] is ProtocolVersion.TLSv1_2]
        if any(attempt.handshake_done for attempt in older):
            return None
        return next((attempt for attempt in older if _unclear(attempt)), None)

    @property
    def contradicted(self) -> Trial | None:
        """An attempt that refused TLS 1.3, where others say that it is spoken."""
        return self.full["psk"] if _contradicted(self.full) else None


def _contradicted(full: Mapping[Mechanism, Trial]) -> bool:
    """Whether TLS 1.3 was refused as a version, and is spoken by the word of other handshakes."""
    psk = full.get("psk")
    return (
        psk is not None
        and not psk.handshake_done
        and _refuses_version(psk)
        and any(attempt.speaks_tls13 for attempt in full.values())
    )


def issues(attempt: Trial, mechanism: Mechanism) -> bool:
    """Whether an attempt brought a session of this mechanism, not one of another."""
    return any(session.mechanism == mechanism for session in attempt.sessions)


def full_task(target_setup: TargetSetup, mechanism: Mechanism) -> Task:
    """TLS 1.3: wait in silence first, so that tickets after data can be told apart."""
    return target_setup.task(Discover.FULL, mechanism)


async def discover(
    lab: Lab,
    route: Route,
    target_setup: TargetSetup,
    on_quiet: Callable[[], None] | None = None,
    *,
    few: bool = False,
    on_full: OnFull | None = None,
) -> Discovery:
    """Ask for every mechanism of the allowed versions. Raises BudgetSpent.

    `on_quiet` is called once a TLS 1.3 ticket is overdue that will be waited for longer, and
    `on_full` with each handshake as it ends.
    `few`: of a version that the server says it does not speak, one mechanism only is asked for.
    """
    wanted = list(target_setup.mechanisms)
    asking = _Asking(lab, route, target_setup, on_full)

    async def tell(quiet: Awaitable[bool]) -> None:
        if await quiet and on_quiet is not None:
            on_quiet()

    async with asyncio.TaskGroup() as tasks:
        milestones = Milestones()
        first = tasks.create_task(asking.ask(wanted[0], milestones))
        first.add_done_callback(lambda _: milestones.end())
        tasks.create_task(tell(milestones.quiet))
        rest = wanted[1:]
        if not await milestones.handshake:
            await first
            rest = await asking.after_failure(rest)
        if few:
            await asking.each_in_turn(rest)
            rest = []
        for mechanism in rest:
            tasks.create_task(asking.ask(mechanism))
    for _ in range(_ASKED_AGAIN):
        if asking.spent or not _contradicted(asking.full):
            break
        await asking.ask("psk")
    if asking.spent:
        raise asking.spent[0]
    full = {name: asking.full[name] for name in wanted if name in asking.full}
    both = None
    if (
        len(target_setup.versions) > 1
        and _unclear(full.get("psk"))
        and any(attempt.handshake_done for attempt in full.values())
    ):
        both = await lab.connect(route, target_setup.config(), Task(purpose=Discover.BOTH))
    return Discovery(full, both)


class _Asking(Struct):
    """One full handshake per mechanism, and what came of each."""

    lab: Lab
    route: Route
    target_setup: TargetSetup
    on_full: OnFull | None = None
    full: dict[Mechanism, Trial] = field(default_factory=dict)
    spent: list[BudgetSpent] = field(default_factory=list)

    async def ask(self, mechanism: Mechanism, milestones: Milestones | None = None) -> None:
        config, task = (
            self.target_setup.config_for(mechanism),
            full_task(self.target_setup, mechanism),
        )
        try:
            attempt = await self.lab.connect(self.route, config, task, milestones=milestones)
        except BudgetSpent as error:
            # What is paid for beside this one may still end.
            self.spent.append(error)
            return
        self.full[mechanism] = attempt
        if self.on_full is not None:
            self.on_full(mechanism, attempt)

    async def each_in_turn(self, rest: list[Mechanism]) -> None:
        """One after another, leaving out what belongs to a version that is not spoken."""
        for mechanism in rest:
            version = VERSION_OF[mechanism]
            refused = any(
                VERSION_OF[name] is version and _refuses_version(attempt)
                for name, attempt in self.full.items()
            )
            if not refused and not self.spent:
                await self.ask(mechanism)

    async def after_failure(self, rest: list[Mechanism]) -> list[Mechanism]:
        """Which of the rest to ask for side by side, as the first one's handshake failed."""
        if self.spent or any(_unreachable(attempt) for attempt in self.full.values()):
            return []
        if rest and self._silent:
            await self.ask(rest[0])
            rest = rest[1:]
            if self.spent or self._silent:
                return []
        return rest

    @property
    def _silent(self) -> bool:
        return all(_silent(attempt) for attempt in self.full.values())


def _unclear(attempt: Trial | None) -> bool:
    """Whether a handshake failed, and not because of the version (RFC 8446 section 6.2)."""
    return attempt is not None and not attempt.handshake_done and not _refuses_version(attempt)


def _refuses_version(attempt: Trial) -> bool:
    return any(
        alert.sender == "server" and alert.description == _PROTOCOL_VERSION
        for alert in attempt.alerts
    )


def _unreachable(attempt: Trial) -> bool:
    return attempt.error is not None and attempt.error.step in (
        "resolve",
        "connect",
        "proxy",
        "starttls",
    )


def _silent(attempt: Trial) -> bool:
    """Whether not one byte came in answer to a ClientHello in all the time allowed."""
    return (
        attempt.error is not None
        and attempt.error.kind == "timeout"
        and attempt.error.step == "handshake"
        and attempt.traffic.received == 0
    )
