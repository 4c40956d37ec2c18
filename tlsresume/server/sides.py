"""The server's side of one TLS connection, on memory BIOs: bytes in, bytes out.

Two libraries can play it: pyOpenSSL, and the stdlib's `ssl`, which links
another OpenSSL and shares no code with our client. `Sides` holds their
Contexts, made once from a Behaviour, and gives each connection its side. No
sockets here. A side that is dropped without `shutdown` or `keep` has OpenSSL
forget its session, as SSL_free does with connections that were cut.
"""

from __future__ import annotations

import itertools
import ssl
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from tlsresume.server.behaviour import Behaviour
from tlsresume.server.contexts import Identity, pyopenssl_context, stdlib_context
from tlsresume.transports.openssl.binding_messages import Listener, attach, detach, listen
from tlsresume.transports.openssl.binding_server import (
    read_early_data,
    session_reused,
    set_session_id_context,
    write_early_data,
)

_CHUNK = 65_536


class Side(ABC):
    """The server's end of one connection, and what is known of it so far.

    `error` says why the handshake or the connection failed; `closed` that the
    client said close_notify.
    """

    def __init__(self, node: int) -> None:
        self.node = node
        self.handshaken = False
        self.closed = False
        self.error: str | None = None
        self.version: str | None = None
        self.reused = False
        self.early_data = 0

    @abstractmethod
    def feed(self, data: bytes) -> bytes:
        """Take bytes of the client's; return the application data among them."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Queue application data."""

    def write_early(self, data: bytes) -> None:
        """Queue an answer to early data before the handshake is done."""
        raise NotImplementedError

    @abstractmethod
    def drain(self) -> bytes:
        """All bytes that wait to be sent."""

    @abstractmethod
    def shutdown(self) -> None:
        """Queue close_notify."""

    @abstractmethod
    def keep(self) -> None:
        """Have OpenSSL take the connection for well closed, so that its session lives on."""

    def release(self) -> None:  # noqa: B027  a side without a listener has nothing to release
        """Stop telling the listener. Safe to call twice."""


class PyOpenSSLSide(Side):
    """A side played by pyOpenSSL."""

    def __init__(
        self,
        context: SSL.Context,
        node: int,
        *,
        early_data: bool,
        listener: Listener | None = None,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(node)
        self._connection = SSL.Connection(context, None)
        if identity is not None:  # instead of the Context's, whose keys and cache stay
            leaf = x509.load_pem_x509_certificate(identity.certificate_pem)
            key = serialization.load_pem_private_key(identity.key_pem, None)
            self._connection.use_certificate(leaf)
            self._connection.use_privatekey(cast("ec.EllipticCurvePrivateKey", key))
        if listener is not None:
            attach(self._connection, listener)
        self._connection.set_accept_state()
        self._early = early_data

    def feed(self, data: bytes) -> bytes:
        application = bytearray()
        self._connection.bio_write(data)
        try:
            if not self.handshaken:
                self._handshake(application)
            while True:
                application += self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as error:
            self.error = _reasons(error)
        return bytes(application)

    def _handshake(self, application: bytearray) -> None:
        while self._early:
            early, finished = read_early_data(self._connection)
            application += early
            self.early_data += len(early)
            self._early = not finished
        self._connection.do_handshake()
        self.handshaken = True
        self.version = self._connection.get_protocol_version_name()
        self.reused = session_reused(self._connection)

    @property
    def negotiated(self) -> str:
        """The TLS version that the ClientHello led to, once its answer is ready to drain."""
        return self._connection.get_protocol_version_name()

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def write_early(self, data: bytes) -> None:
        write_early_data(self._connection, data)

    def drain(self) -> bytes:
        output = bytearray()
        with suppress(SSL.WantReadError):
            while True:
                output += self._connection.bio_read(_CHUNK)
        return bytes(output)

    def shutdown(self) -> None:
        with suppress(SSL.Error):  # it failed already: there is nobody to say goodbye to
            self._connection.shutdown()

    def keep(self) -> None:
        # What OpenSSL asks before it forgets a session; the client's own end can still be read.
        self._connection.set_shutdown(self._connection.get_shutdown() | SSL.SENT_SHUTDOWN)

    def release(self) -> None:
        detach(self._connection)


class StdlibSide(Side):
    """A side played by the stdlib's `ssl`."""

    def __init__(self, context: ssl.SSLContext, node: int) -> None:
        super().__init__(node)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def feed(self, data: bytes) -> bytes:
        application = bytearray()
        self._incoming.write(data)
        try:
            if not self.handshaken:
                self._object.do_handshake()
                self.handshaken = True
                self.version = self._object.version()
                self.reused = bool(self._object.session_reused)
            while chunk := self._object.read(_CHUNK):
                application += chunk
            self.closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        except ssl.SSLError as error:
            self.error = error.reason or str(error)
        return bytes(application)

    def write(self, data: bytes) -> None:
        self._object.write(data)

    def drain(self) -> bytes:
        return self._outgoing.read()

    def shutdown(self) -> None:
        with suppress(ssl.SSLError):  # unwrap would also wait for the client's close_notify
            self._object.unwrap()

    def keep(self) -> None:
        self.shutdown()
        self.drain()


class RoutedSide(Side):
    """A side that pyOpenSSL plays, unless its answer to the ClientHello is TLS 1.3: then the
    stdlib's takes the same bytes, and the first one's answer is never sent."""

    def __init__(self, first: PyOpenSSLSide, tls13: StdlibSide) -> None:
        super().__init__(first.node)
        self._first = first
        self._tls13 = tls13
        self._player: Side | None = None
        self._seen = b""
        self._answer = b""

    def feed(self, data: bytes) -> bytes:
        if self._player is None:
            self._seen += data
            self._first.feed(data)
            self._answer = self._first.drain()
            if not self._answer:
                return b""
            self._player = self._first
            if self._first.negotiated == "TLSv1.3":
                self._player, data, self._answer = self._tls13, self._seen, b""
                application = self._player.feed(data)
            else:
                application = b""
        else:
            application = self._player.feed(data)
        for name in ("handshaken", "closed", "error", "version", "reused"):
            setattr(self, name, getattr(self._player, name))
        return application

    @property
    def _played(self) -> Side:
        return self._player or self._first

    def write(self, data: bytes) -> None:
        self._played.write(data)

    def drain(self) -> bytes:
        answer, self._answer = self._answer, b""
        return answer + self._played.drain()

    def shutdown(self) -> None:
        self._played.shutdown()

    def keep(self) -> None:
        self._played.keep()

    def release(self) -> None:
        self._first.release()


class Sides:
    """The Contexts of a server, one set per node, and the turns that connections take.

    `observed`: sides can have a listener. `later` is the identity after the change that
    the behaviour may ask for.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        identity: Identity,
        *,
        observed: bool = False,
        later: Identity | None = None,
        client_ca: Path | None = None,
    ) -> None:
        self._behaviour = behaviour
        self._contexts: list[SSL.Context] = []
        self._stdlib: list[ssl.SSLContext] = []
        self._turn = itertools.count()
        self._established = 0
        self._later = later
        with _files(identity) as (certificate, key):
            for _ in range(behaviour.nodes):
                if behaviour.backend == "pyopenssl":
                    context = pyopenssl_context(behaviour, certificate, key, client_ca)
                    if observed:
                        listen(context)
                    self._contexts.append(context)
                if behaviour.tls13_by_stdlib or behaviour.backend == "stdlib":
                    self._stdlib.append(stdlib_context(behaviour, certificate, key))

    def new(self, listener: Listener | None = None) -> Side:
        """The side for the next connection. To be called from one thread at a time."""
        turn = next(self._turn)
        node = self._node(turn)
        if self._behaviour.backend == "stdlib":
            return StdlibSide(self._stdlib[node], node + 1)
        context = self._contexts[node]
        if not self._behaviour.honoured:
            set_session_id_context(context, b"connection %d" % turn)
        early = self._behaviour.early_data > 0
        change_after = self._behaviour.change_certificate_after
        changed = change_after is not None and self._established >= change_after
        side = PyOpenSSLSide(
            context,
            node + 1,
            early_data=early,
            listener=listener,
            identity=self._later if changed else None,
        )
        if self._behaviour.tls13_by_stdlib:
            return RoutedSide(side, StdlibSide(self._stdlib[node], node + 1))
        return side

    def _node(self, turn: int) -> int:
        rotate_after = self._behaviour.rotate_after
        if rotate_after is not None:
            return int(self._established >= rotate_after)
        return turn % self._behaviour.nodes

    def established(self) -> None:
        """Count a handshake that is done: rotations and changes come after so many. To be called
        from one thread at a time."""
        self._established += 1


@contextmanager
def _files(identity: Identity) -> Iterator[tuple[Path, Path]]:
    """An identity as files that only we can read, gone with the block."""
    with tempfile.TemporaryDirectory(prefix="tlsresume-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_bytes(identity.certificate_pem)
        key.touch(mode=0o600)
        key.write_bytes(identity.key_pem)
        yield certificate, key


def _reasons(error: SSL.Error) -> str:
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(entry[-1] for entry in entries) or type(error).__name__
