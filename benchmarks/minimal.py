"""The least that a connection can cost with the same bindings, in a process of its own.

    python minimal.py PORT full|resumed 1.2|1.3 COUNT     prints CPU seconds per connection

One asyncio loop on `SSL *` with memory BIOs: connect, handshake, wait for a ticket, the session
to DER, close_notify out. Nothing is recorded, timed, checked or kept, no peer's fault is
understood, and the peer's own close_notify is not waited for.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from loop import cpu
from OpenSSL import SSL
from peers import CIPHER, GROUP

from tlsresume.openssl.binding import WANT_READ, Handle

_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_WARM_UP = 100


def context_for(version: str) -> SSL.Context:
    """One Context for all connections, with one version."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(_VERSIONS[version])
    context.set_max_proto_version(_VERSIONS[version])
    context.set_cipher_list(CIPHER.encode())
    return context


async def connect(context: SSL.Context, port: int, session: bytes | None, version: str) -> bytes:
    """One connection; the session that it brought, as DER."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    handle = Handle(context)
    handle.set_connect_state()
    handle.set_server_name("localhost")
    handle.set_groups(f"{GROUP}:P-256")
    if session is not None:
        handle.set_session_der(session)
    while handle.do_handshake().error == WANT_READ:
        if out := handle.drain():
            await loop.sock_sendall(sock, out)
        handle.feed(await loop.sock_recv(sock, 65536))
    if out := handle.drain():
        await loop.sock_sendall(sock, out)
    if handle.session_reused() is not (session is not None):
        raise RuntimeError("not resumed as it should be")
    if version == "1.3":
        # The server sends its tickets when it has our Finished, so they were not there before.
        handle.feed(await loop.sock_recv(sock, 65536))
        handle.read()
    der = handle.session_der()
    handle.shutdown()
    await loop.sock_sendall(sock, handle.drain())
    sock.close()
    handle.release()
    if der is None:
        raise RuntimeError("no session")
    return der


async def many(port: int, kind: str, version: str, count: int) -> None:
    """CPU per connection, warmed up before."""
    context = context_for(version)
    first = await connect(context, port, None, version)
    session = first if kind == "resumed" else None
    for _ in range(_WARM_UP):
        await connect(context, port, session, version)
    began = cpu()
    for _ in range(count):
        await connect(context, port, session, version)
    print((cpu() - began) / count)


if __name__ == "__main__":
    asyncio.run(many(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
