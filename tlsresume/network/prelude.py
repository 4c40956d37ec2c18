"""Playing a prelude on a link in clear."""

from __future__ import annotations

from tlsresume.lab import Link
from tlsresume.protocols.talk import Prelude


async def play(prelude: Prelude, link: Link) -> None:
    """Carry bytes both ways until the prelude is done.

    Raises PreludeError, and TimeoutError or OSError from the link.
    """
    while True:
        said = prelude.drain()
        if said:
            await link.send(said)
        if prelude.done:
            return
        prelude.receive(await link.receive())
