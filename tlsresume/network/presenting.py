"""A first flight on a plain socket, which cannot go on with the handshake: what the peer says."""

from __future__ import annotations

from tlsresume.network.channel import Channel
from tlsresume.results.connection import Failure
from tlsresume.transports.interface import Flight, Presented

#: What is read of the answer to a first flight that was only presented, in bytes, and the
#: silence in seconds after which it is taken for complete.
_ENOUGH_PRESENTED = 65536
PRESENTED_QUIET = 0.3
#: Over UDP: the seconds after which a flight without an answer goes out again, then twice as many.
_PRESENTED_AGAIN = 1.0


async def presented(
    flight: Flight, channel: Channel, deadline: float
) -> tuple[Presented, Failure | None]:
    """Send a first flight, and read what the peer says: until it is quiet once it has spoken. Then
    the connection that the peer made of it is ended, where it must be. The failure is that of a
    peer that said nothing."""
    received: list[bytes] = []
    sent = 0
    failure: Failure | None = None
    pause = deadline if channel.stream else _PRESENTED_AGAIN
    try:
        while not received and channel.now() < deadline:
            await channel.send(flight.data, deadline)
            sent += sum(map(len, flight.data))
            received += await channel.read(min(deadline, channel.now() + pause))
            pause *= 2
        acknowledgement = flight.acknowledgement(received)
        if acknowledgement is not None:
            await channel.send((acknowledgement,), deadline)
            sent += len(acknowledgement)
        while received and sum(map(len, received)) < _ENOUGH_PRESENTED:
            until = min(deadline, channel.now() + PRESENTED_QUIET)
            came = await channel.read(until)
            if not came:
                break
            received += came
        farewell = flight.farewell(received)
        if farewell is not None:
            await channel.send((farewell,), deadline)
            sent += len(farewell)
    except EOFError:
        if not received:
            message = f"{channel.where}: the server closed the connection in the handshake"
            failure = Failure("handshake", "closed", message)
    except TimeoutError:
        pass  # it does not read what we send: as silent as one that does
    except OSError as error:
        if not received:
            failure = channel.failure(error, "handshake")
    if not received and failure is None:
        message = f"no answer from {channel.where} to a copy of the first flight"
        failure = Failure("handshake", "timeout", message)
    seen = Presented(
        transcript=flight.in_clear(received),
        retry=flight.asks_for_retry(received),
        sent=sent,
        received=sum(map(len, received)),
    )
    return seen, failure
