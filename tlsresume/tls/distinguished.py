"""Distinguished names in DER (X.501, RFC 5280 section 4.1.2.4) as one line of text."""

from __future__ import annotations

from tlsresume.tls.buffer import Reader, WireError

#: The attributes of RFC 4514 section 3, and e-mail addresses, by their OID in DER.
_SHORT: dict[bytes, str] = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550409"): "STREET",
    bytes.fromhex("0992268993f22c640119"): "DC",
    bytes.fromhex("0992268993f22c640101"): "UID",
    bytes.fromhex("2a864886f70d010901"): "emailAddress",
}
_SEQUENCE, _SET, _OID, _BMP_STRING = 0x30, 0x31, 0x06, 0x1E


def name_text(der: bytes) -> str:
    """`CN=Example CA,O=Example`, most special first; hexadecimal where it is no name."""
    try:
        parts = [
            part
            for relative in _items(_only(der, _SEQUENCE), _SET)
            for pair in _items(relative, _SEQUENCE)
            for part in [_attribute(pair)]
        ]
    except WireError:
        return f"0x{der[:16].hex()}"
    return ",".join(reversed(parts))


def _attribute(pair: bytes) -> str:
    reader = Reader(pair)
    tag, oid = _element(reader)
    kind, value = _element(reader)
    reader.end()
    if tag != _OID:
        raise WireError("an attribute begins with an OID")
    text = value.decode("utf-16-be" if kind == _BMP_STRING else "utf-8", "replace")
    return f"{_SHORT.get(oid, 'OID.' + oid.hex())}={text}"


def _only(data: bytes, tag: int) -> bytes:
    items = _items(data, tag)
    if len(items) != 1:
        raise WireError("one element was due")
    return items[0]


def _items(data: bytes, tag: int) -> list[bytes]:
    reader = Reader(data)
    found = []
    while reader.remaining:
        kind, content = _element(reader)
        if kind != tag:
            raise WireError("another element was due")
        found.append(content)
    return found


def _element(reader: Reader) -> tuple[int, bytes]:
    """The tag and content of a DER element (X.690 section 8.1)."""
    tag, length = reader.pull_uint8(), reader.pull_uint8()
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 2:
            raise WireError("the length of a DER element is too long")
        length = int.from_bytes(reader.pull_bytes(size), "big")
    return tag, reader.pull_bytes(length)
