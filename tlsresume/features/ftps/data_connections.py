"""Do FTPS data connections resume the control connection's session, and must they?

Three series, each on a control connection of its own: `fresh` offers the newest
session that was not used yet, `same` the control connection's first one each time,
`none` nothing; where the server issues nothing, `none` is all. The control connection stays open beside its data connections. Each
data connection is a harmless listing; what the server says of it afterwards is the
attempt's `reply`.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from dataclasses import replace

from tlsresume.errors import PeerError, reason_of
from tlsresume.evidence.purposes import FTPData
from tlsresume.experiments.connections import TargetSetup
from tlsresume.features.ftps.control_connection import Control, FTPError
from tlsresume.lab import Lab, Link, Route, Task
from tlsresume.options import FTPLogin
from tlsresume.results.connection import Mechanism
from tlsresume.sessions.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.value import Value

#: A listing longer than this is cut short, in bytes.
_LONGEST_LISTING = 1 << 20

#: What a control connection of each series costs beside its data connections.
_CONTROLS = 3


def cost(tries: int, *, issued: bool = True) -> int:
    """The connections that `data_connections` makes at most."""
    return _CONTROLS + 2 * tries + 1 if issued else 2


class FTPSetup(Value, frozen=True, kw_only=True):
    """Where and how data connections are tried; `issued`: there are sessions to offer."""

    lab: Lab
    route: Route
    target_setup: TargetSetup
    mechanism: Mechanism
    login: FTPLogin
    tries: int
    issued: bool = True

    @property
    def config(self) -> ClientConfig:
        return self.target_setup.config_for(self.mechanism)

    @property
    def over_ipv4(self) -> bool:
        """Whether the control connection goes to an IPv4 address, which PASV can name."""
        try:
            return ipaddress.ip_address(self.route.address).version == 4
        except ValueError:
            return False

    def task(self, purpose: FTPData) -> Task:
        return Task(purpose=purpose, mechanism=self.mechanism)


async def data_connections(setup: FTPSetup) -> str | None:
    """Run the three series. What kept one from being run, in words, or None.

    Raises BudgetSpent.
    """
    offering = ((FTPData.FRESH, setup.tries), (FTPData.SAME, setup.tries)) if setup.issued else ()
    for series, count in (*offering, (FTPData.NONE, 1)):
        try:
            await _series(setup, series, count)
        except (FTPError, PeerError) as error:
            return str(error)
        except TimeoutError:
            return "no answer on the control connection in time"
        except OSError as error:
            return reason_of(error)
    return None


async def _series(setup: FTPSetup, series: FTPData, count: int) -> None:
    async with setup.lab.dial(setup.route, setup.task(FTPData.CONTROL)) as link:
        await link.start_tls(setup.config)
        control = Control(link)
        login = setup.login
        implicit = setup.target_setup.target.starttls is None
        await control.log_in(login.user, login.secret, greeting=implicit)
        sessions = list(link.sessions)
        first = sessions[0] if sessions else None
        for _ in range(count):
            offer = None
            if series is FTPData.SAME:
                offer = first
            elif series is FTPData.FRESH:
                offer = sessions.pop() if sessions else None
            if offer is None and series is not FTPData.NONE:
                return
            newer = await _transfer(setup, control, series, offer)
            sessions += newer
            if setup.mechanism != "psk" and not sessions and offer is not None:
                # TLS 1.2: a session may be used again, and is not always renewed.
                sessions.append(offer)
        with suppress(PeerError, TimeoutError, OSError):
            await control.ask("QUIT")
        await link.close()


async def _transfer(
    setup: FTPSetup, control: Control, series: FTPData, offer: Session | None
) -> tuple[Session, ...]:
    """One listing over a data connection of its own; the sessions that it brought."""
    # Once with PASV, too: what it says of the address is what many clients obey.
    passive = await control.passive(plain_first=series is FTPData.NONE and setup.over_ipv4)
    route = replace(setup.route, port=passive.port, local_port=None)
    task = replace(setup.task(series), named_address=passive.named_address)
    async with setup.lab.dial(route, task, beside=True) as link:
        await control.send("LIST")
        # Some servers shake hands on the data connection before they say 150, others after.
        reading = asyncio.create_task(_read(link, setup.config, offer))
        try:
            answer = await control.reply()
            if answer.code < 200:
                await reading
                answer = await control.reply()
        except (PeerError, TimeoutError, OSError) as error:
            link.remark(f"the control connection: {error}")
            raise
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
        link.remark(str(answer))
        return link.sessions


async def _read(link: Link, config: ClientConfig, offer: Session | None) -> None:
    """Shake hands, read the listing to its end, close. A failure is in the attempt."""
    with suppress(PeerError, TimeoutError, OSError):
        await link.start_tls(config, offer)
        length = 0
        while length < _LONGEST_LISTING and (data := await link.receive()):
            length += len(data)
    await link.close()
