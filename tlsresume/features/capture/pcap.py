"""The pcap file format: both byte orders, microseconds and nanoseconds, Kuznetzov's variant.

Source: draft-ietf-opsawg-pcap. A Packet is a plain tuple, since there are millions.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from tlsresume.features.capture.inputs import CHUNK, Input

#: Time in nanoseconds since 1970, the number of the file from 0, the number in the file from 1
#: (Wireshark's frame.number), link type; and where its bytes stand: in what was read at a time,
#: from where to where. Most packets are passed over after a look at their headers, so that
#: copying each would be most of the work.
Packet = tuple[int, int, int, int, bytes, int, int]

#: What libpcap takes as the most that a packet can be is 256 KB.
LARGEST_PACKET = 1 << 20

#: Magic: byte order, nanoseconds of the fraction's unit, length of a record's header.
_MAGIC: dict[bytes, tuple[str, int, int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}
_HEADER = 24

OnDamage = Callable[[str], None]


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins like this is of this format."""
    return head[:4] in _MAGIC


def read_pcap(source: Input, file: int, on_damage: OnDamage) -> Iterator[list[Packet]]:
    """The packets of the file numbered `file`, in batches as they are read.

    `on_damage` is told why the reading ended before the file did. Raises CaptureFileError
    where the file's header is cut, or the first packet's makes no sense.
    """
    buffer = source.head
    while len(buffer) < _HEADER:
        more = source.read(CHUNK)
        if not more:
            raise source.not_a_capture()
        buffer += more
    order, unit, size = _MAGIC[buffer[:4]]
    link = struct.unpack_from(order + "I", buffer, 20)[0] & 0xFFFF
    unpack = struct.Struct(order + "III").unpack_from
    at, number = _HEADER, 0
    while True:
        batch: list[Packet] = []
        append, whole = batch.append, len(buffer)
        end = whole - size
        while at <= end:
            seconds, fraction, length = unpack(buffer, at)
            start = at + size
            if length > LARGEST_PACKET:
                why = f"packet {number + 1} claims {length} bytes"
                if not number:
                    raise source.damaged(why)
                on_damage(why)
                yield batch
                return
            stop = start + length
            if stop > whole:
                break
            number += 1
            time = seconds * 1_000_000_000 + fraction * unit
            append((time, file, number, link, buffer, start, stop))
            at = stop
        yield batch
        buffer = buffer[at:]
        at = 0
        while not source.ready():
            yield []
        more = source.read(CHUNK)
        if not more:
            if buffer or source.damage:
                on_damage(source.damage or f"it ends inside packet {number + 1}")
            return
        buffer += more
