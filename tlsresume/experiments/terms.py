"""What all connections to one target have in common: plans and errands made from options.

An experiment changes one thing and takes the rest from here, so that two
attempts differ in nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tlsresume.errors import UsageError
from tlsresume.lab import Errand
from tlsresume.openssl.plan import Plan
from tlsresume.options import ConnectOptions
from tlsresume.preludes.farewell import FAREWELLS
from tlsresume.results import Mechanism, Purpose
from tlsresume.target import Target, format_endpoint
from tlsresume.wire.handshake import ProtocolVersion

#: Seconds of silence after a handshake before data is sent to elicit a ticket.
SILENCE = 0.3

#: The version that each mechanism belongs to.
VERSION_OF: dict[Mechanism, ProtocolVersion] = {
    "psk": ProtocolVersion.TLSv1_3,
    "ticket": ProtocolVersion.TLSv1_2,
    "session-id": ProtocolVersion.TLSv1_2,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """A target and how to connect to it. `user_agent` names us in HTTP requests."""

    target: Target
    options: ConnectOptions
    user_agent: str

    @property
    def versions(self) -> tuple[ProtocolVersion, ...]:
        """The versions allowed, newest first."""
        return tuple(sorted(set(self.options.tls), reverse=True))

    @property
    def send(self) -> bytes:
        """The data that elicits tickets and an answer; b"" for none."""
        if self.options.send is not None:
            return self.options.send
        if self.target.http:
            return head_request(self.target, self.user_agent)
        return FAREWELLS.get(self.target.speaks or "", b"")

    def plan(self, *versions: ProtocolVersion, tickets: bool = True) -> Plan:
        """A Plan for some of the versions (none given: all that are allowed)."""
        chosen = versions or self.versions
        options = self.options
        return Plan(
            minimum=min(chosen),
            maximum=max(chosen),
            server_name=self.target.server_name,
            verify_name=self.target.verify_name,
            verify=options.verify,
            alpn=self.target.alpn if options.alpn is None else options.alpn,
            ciphers=options.ciphers,
            ciphersuites=options.ciphersuites,
            groups=options.groups,
            tickets=tickets,
            trust=options.trust,
            certificate=options.certificate,
            keylogfile=options.keylogfile,
        )

    def plan_for(self, mechanism: Mechanism) -> Plan:
        """A Plan under which a server can only use this mechanism."""
        return self.plan(VERSION_OF[mechanism], tickets=mechanism != "session-id")

    def errand(
        self, purpose: Purpose, mechanism: Mechanism, *, wait: float | None = None
    ) -> Errand:
        """Wait for tickets; if none comes in a while, send data and wait on."""
        return Errand(
            purpose=purpose,
            mechanism=mechanism,
            want_tickets=1 if mechanism == "psk" else 0,
            ticket_wait=self.options.ticket_wait if wait is None else wait,
            send=self.send if mechanism == "psk" else b"",
            send_after=SILENCE,
        )

    def with_answer(self, errand: Errand, *, body: bool = False) -> Errand:
        """The same errand, with data sent at once and the answer read; `body`: of HTTP, where
        the request is ours, with what the answer contains."""
        data = self.send
        if not data:
            return errand
        if body and self.options.send is None and self.target.http:
            data = request(self.target, self.user_agent, "GET")
        return replace(errand, send=data, send_after=0.0, want_response=True)


def http_host(target: Target) -> str:
    """The value of an HTTP Host header (RFC 9110 section 7.2). Raises UsageError."""
    name = target.server_name or target.host
    host = name if target.port == 443 else format_endpoint(name, target.port)
    if any(ord(character) < 33 or ord(character) > 126 for character in host):
        raise UsageError(f"{host!r} cannot stand in an HTTP Host header")
    return host


def head_request(target: Target, user_agent: str) -> bytes:
    """A HEAD request (RFC 9110 section 9.3.2) that asks for the connection to end."""
    return request(target, user_agent, "HEAD")


def request(target: Target, user_agent: str, method: str) -> bytes:
    """A request for / by a method, that asks for the connection to end."""
    return (
        f"{method} / HTTP/1.1\r\nHost: {http_host(target)}\r\nUser-Agent: {user_agent}\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii")
