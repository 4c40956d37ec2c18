"""What can be read off opaque tickets: whether they are stateful, and their key names.

Most servers begin a ticket with the name of the key that sealed it (RFC 5077
section 4 recommends 16 bytes), so that they find the key again. The name tells
nodes and rotations apart. But the ticket is opaque: a server may begin it with
a random IV, so bytes count as a name only when they recur on two distinct
tickets of one target. By chance that happens to 16 random bytes never, and to 4
with 200 tickets once in 200,000 collections.

- A pool of nodes: each node's name recurs by itself. Once a layout is known from
  names that recur, a prefix seen once is a name too: another node, met once.
- Unless its length speaks against it: where all tickets with a recurring name are
  whole cipher blocks (L % 16 = 0, CBC), one that is not has another layout.
- One ticket proves nothing; its name is assumed where its length fits OpenSSL's
  layout: name 16, IV 16, blocks of 16, MAC 32.
- Less than a secret and its seal is no sealed state at all, but the handle of an entry
  in the server's cache: 32 bytes of OpenSSL, 16 of Erlang.

A ticket layout is a row of `LAYOUTS`, the most particular first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tlsresume.value import Value

#: TLS 1.3 stateful tickets of OpenSSL, rustls and the JDK: a session ID's length.
STATEFUL_LENGTH = 32

#: A PSK has the length of a hash, 32 bytes at least (RFC 8446 section 4.6.1, appendix B.4);
#: no AEAD or MAC in use is shorter than 8.
_SHORTEST_SEALED = 40

#: OpenSSL's shortest: name 16, IV 16, one block 16, MAC 32.
_SHORTEST_OF_BLOCKS = 80


class Layout(Value, frozen=True):
    """Where a kind of ticket has its key name: `length` bytes at `offset`, after `magic`."""

    name: str
    offset: int
    length: int
    magic: bytes = b""

    def key_name(self, ticket: bytes) -> bytes | None:
        """The bytes that would be the key name; None where this layout cannot be."""
        end = self.offset + self.length
        if not ticket.startswith(self.magic) or len(ticket) <= end:
            return None
        return ticket[self.offset : end]


BOTAN = Layout("botan", 8, 4, bytes.fromhex("068B5A9D396C0000"))
S2N = Layout("s2n", 1, 16, b"\x01")
NAME16 = Layout("name16", 0, 16)
NAME4 = Layout("name4", 0, 4)

LAYOUTS: tuple[Layout, ...] = (BOTAN, S2N, NAME16, NAME4)


def is_stateful(ticket: bytes) -> bool:
    """Whether a ticket is only a handle of a server-side cache, judged by its length."""
    return 0 < len(ticket) < _SHORTEST_SEALED


class KeyNaming(Value, frozen=True, kw_only=True):
    """How the tickets of one target name their keys.

    `visible` says that names can be told; `certain` that they were proved, by
    recurring or by a magic number, and not assumed from one ticket's length;
    `reason` says which, in words.
    """

    visible: bool
    certain: bool
    reason: str
    recurring: frozenset[tuple[Layout, bytes]] = frozenset()
    usual: Layout | None = None
    blocks_only: bool = False

    @classmethod
    def learn(cls, tickets: Sequence[bytes]) -> KeyNaming:
        """What `tickets`, all of one target, show together. Copies of one count once."""
        distinct = set(tickets) - {b""}
        sealed = {ticket for ticket in distinct if not is_stateful(ticket)}
        if not sealed:
            lengths = " or ".join(map(str, sorted({len(ticket) for ticket in distinct})))
            reason = (
                f"stateful: tickets of {lengths} bytes name no key" if distinct else "no tickets"
            )
            return cls(visible=False, certain=bool(distinct), reason=reason)
        recurring = _recurring(sealed)
        named = {ticket: layout for ticket in sealed if (layout := _proved(ticket, recurring))}
        if named:
            usual = Counter(named.values()).most_common(1)[0][0]
            return cls(
                visible=True,
                certain=True,
                reason=f"proved: {len(named)} of {len(sealed)} distinct tickets share a name"
                " or carry a known mark",
                recurring=recurring,
                usual=usual,
                blocks_only=all(_of_blocks(ticket) for ticket in named),
            )
        if len(sealed) == 1 and all(_of_blocks(ticket) for ticket in sealed):
            reason = "assumed: one ticket, whose length fits OpenSSL's layout"
            return cls(visible=True, certain=False, reason=reason, usual=NAME16, blocks_only=True)
        reason = (
            "one ticket, whose length does not fit OpenSSL's layout"
            if len(sealed) == 1
            else f"no first bytes recur on {len(sealed)} distinct tickets"
        )
        return cls(visible=False, certain=False, reason=reason)

    def name_of(self, ticket: bytes) -> str | None:
        """The key name of a ticket in hexadecimal; None where it is not visible."""
        if is_stateful(ticket):
            return None
        layout = _proved(ticket, self.recurring)
        if layout is None and self.usual and (not self.blocks_only or _of_blocks(ticket)):
            layout = self.usual
        name = layout.key_name(ticket) if layout else None
        return None if name is None else name.hex()


def _recurring(tickets: set[bytes]) -> frozenset[tuple[Layout, bytes]]:
    """The names that stand on two tickets or more, under each layout."""
    counts = Counter(
        (layout, name)
        for ticket in tickets
        for layout in LAYOUTS
        if (name := layout.key_name(ticket)) is not None
    )
    return frozenset(
        (layout, name)
        for (layout, name), count in counts.items()
        # A 16-byte name that begins with 01 recurs under s2n's layout as well, but split
        # up by the IV's first byte, which stands where s2n's name ends.
        if count > 1 and (layout != S2N or counts[NAME16, S2N.magic + name[:15]] == count)
    )


def _proved(ticket: bytes, recurring: frozenset[tuple[Layout, bytes]]) -> Layout | None:
    """The layout under which the ticket's name is no chance; the most particular one."""
    for layout in LAYOUTS:
        name = layout.key_name(ticket)
        if name is not None and (layout == BOTAN or (layout, name) in recurring):
            return layout
    return None


def _of_blocks(ticket: bytes) -> bool:
    return len(ticket) >= _SHORTEST_OF_BLOCKS and len(ticket) % 16 == 0
