"""Two QUIC connections of aioquic in one process: what they send, as JSON lines.

Run by an interpreter that has aioquic. The arguments are a certificate with its key, and "retry"
for a server that validates addresses first. The last line is whether the second resumed.
"""

import json
import sys

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import HandshakeCompleted
from aioquic.tls import SessionTicket

CLIENT, SERVER = ("192.0.2.1", 50000), ("198.51.100.1", 443)
kept: dict[bytes, SessionTicket] = {}
offered: list[SessionTicket] = []


def pop(label: bytes) -> SessionTicket | None:
    return kept.pop(label, None)


def talk(ticket: SessionTicket | None) -> bool:
    """One connection; whether it resumed a session."""
    asked = QuicConfiguration(is_client=True, server_name="quic.example", alpn_protocols=["h3"])
    asked.verify_mode = 0
    asked.session_ticket = ticket
    client = QuicConnection(configuration=asked, session_ticket_handler=offered.append)
    served = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    served.load_cert_chain(sys.argv[1], sys.argv[1])
    server = None
    now = 0.0
    client.connect(SERVER, now=now)
    for _ in range(12):
        now += 0.01
        for data, _address in client.datagrams_to_send(now=now):
            print(json.dumps([0, data.hex()]))
            if server is None:
                server = QuicConnection(
                    configuration=served,
                    original_destination_connection_id=client.original_destination_connection_id,
                    session_ticket_handler=lambda each: kept.update({each.ticket: each}),
                    session_ticket_fetcher=pop,
                )
            server.receive_datagram(data, CLIENT, now=now)
        if server is not None:
            for data, _address in server.datagrams_to_send(now=now):
                print(json.dumps([1, data.hex()]))
                client.receive_datagram(data, SERVER, now=now)
    resumed = False
    while (event := client.next_event()) is not None:
        if isinstance(event, HandshakeCompleted):
            resumed = event.session_resumed
    return resumed


talk(None)
print(json.dumps(talk(offered[0])))
