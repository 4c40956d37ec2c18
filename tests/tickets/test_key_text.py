"""tickets/key_file_text.py: ticket keys in the texts in which operators have them."""

from __future__ import annotations

import base64
import json
import textwrap
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.growth import assert_linear
from tests.paths import VECTORS
from tlsresume.errors import KeyFileError
from tlsresume.sessions.file import read_session_file
from tlsresume.tickets.key_files import TicketKeyFile, open_with, parse_key_file
from tlsresume.tickets.unseal import Unsealed

FILES = VECTORS / "files"

KEYS = [bytes((n * 37 + k * 11 + 5) % 256 for k in range(80)) for n in range(3)]
LINES = [base64.b64encode(key).decode() for key in KEYS]
SECRET = base64.b64encode(("\n".join(LINES) + "\n").encode()).decode()
SHOW = "# id secret\n# 0 (/etc/keys)\n" + "".join(f"0.{n} {line}\n" for n, line in enumerate(LINES))
HEX = KEYS[0].hex()
XXD = "\n".join(
    f"{at:08x}: {KEYS[0][at : at + 16].hex(' ', 2)}  {'.' * 16}" for at in range(0, 80, 16)
)
ENVOY = f"""
common_tls_context: {{}}
session_ticket_keys:
  keys:
    - inline_bytes: "{LINES[0]}"
    - inline_bytes: {LINES[1]}   # the one before
"""
KUBERNETES = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: tickets\ndata:\n  keys: {SECRET}\n"
BLOCK = "kind: Secret\nstringData:\n  keys: |\n" + "".join(f"    {line}\n" for line in LINES)


def wrapped(columns: int, *texts: str) -> str:
    return "".join("\n".join(textwrap.wrap(text, columns)) + "\n" for text in texts)


#: Each form: its text, how many keys of `KEYS` it holds, and what their places are for.
FORMS: dict[str, tuple[str, int, str]] = {
    "lines": ("\n".join(LINES), 3, "older current next"),
    "CRLF": ("\r\n".join(LINES) + "\r\n", 3, "older current next"),
    "wrapped at 64": (wrapped(64, LINES[0]), 1, "only"),
    "three wrapped at 64": (wrapped(64, *LINES), 3, "older current next"),
    "wrapped at 76": (wrapped(76, *LINES), 3, "older current next"),
    "xxd -p": (wrapped(60, HEX), 1, "only"),
    "xxd": (XXD, 1, "only"),
    "xxd -i": (
        f"unsigned char k[] = {{\n {', '.join(f'0x{b:02x}' for b in KEYS[0])}\n}};\n",
        1,
        "only",
    ),
    "hex": (HEX.upper(), 1, "only"),
    "show tls-keys": (SHOW, 3, "older current next"),
    "show tls-keys, LF": ("\n" + SHOW + "\n", 3, "older current next"),
    "Envoy": (ENVOY, 2, "current older"),
    "Kubernetes": (KUBERNETES, 3, "older current next"),
    "Kubernetes, one raw key": (KUBERNETES.replace(SECRET, LINES[0]), 1, "only"),
    "Kubernetes, block": (BLOCK, 3, "older current next"),
    "Kubernetes, JSON": (
        json.dumps({"kind": "Secret", "data": {"keys": SECRET}, "type": "Opaque"}),
        3,
        "older current next",
    ),
    "Kubernetes, annotated": (
        KUBERNETES.replace("metadata:\n", f"metadata:\n  annotations:\n    sum: {'5e' * 32}\n")
        + f"immutable: true\nother: {'5e' * 32}\n",
        3,
        "older current next",
    ),
    "Kubernetes, JSON, annotated": (
        json.dumps(
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "Secret",
                        "metadata": {"annotations": {"key-sum": "5e" * 32}},
                        "data": {"keys": SECRET},
                    }
                ],
            }
        ),
        3,
        "older current next",
    ),
    "JSON, of other things too": (
        json.dumps({"sha256": "5e" * 32, "ticket_keys": [{"value": LINES[0]}], "id": "5e" * 32}),
        1,
        "only",
    ),
    "JSON list": (json.dumps(LINES), 3, "current older older"),
    "wangle": (
        json.dumps({"old": [], "current": [HEX], "new": [KEYS[1].hex()]}),
        2,
        "current older",
    ),
    "byte order mark": ("\ufeff" + "\n".join(LINES), 3, "older current next"),
    "a comment that is no ASCII": (f"# Schl\u00fcssel\n{LINES[0]}\n", 1, "only"),
}


def test_each_form_is_read():
    """The same keys come out of each, in order, with what each place is for."""
    for name, (text, count, roles) in FORMS.items():
        file = parse_key_file(text.encode(), "f")
        assert [key.data for key in file.keys] == KEYS[:count], name
        assert " ".join(key.role for key in file.keys) == roles, name


def test_what_no_server_takes_is_said():
    """Keys on broken lines, and a raw key with a line end, are read with a warning."""
    warning = "f: one 80-byte key wrapped over two lines: HAProxy refuses such a file"
    assert parse_key_file(wrapped(64, LINES[0]).encode(), "f").warnings[0].startswith(warning)
    for end in (b"\n", b"\r\n"):
        for key in (KEYS[0], KEYS[0][:48]):
            file = parse_key_file(key + end, "f")
            assert [each.data for each in file.keys] == [key]
            assert f"{len(key + end)} bytes, a raw key of {len(key)}" in file.warnings[0]


def test_show_tls_keys_keeps_files_apart():
    """Each file that HAProxy lists has its own key that encrypts."""
    second = SHOW.replace("0.", "1.").replace("# 0", "# 1")
    file = parse_key_file((SHOW + second).encode(), "f")
    assert [key.role for key in file.keys] == 2 * ["older", "current", "next"]


def test_what_is_known_and_holds_no_key_is_named():
    """The error says what the file is, and where the keys are."""
    for text, words, hint in (
        ("# id (file)\n# 0 (/etc/keys)\n", "HAProxy's list of key files", "show tls-keys #0"),
        (
            json.dumps({"old": ["aa"], "current": ["bb"], "new": []}),
            "wangle's ticket seeds",
            "Proxygen",
        ),
        ("session_ticket_keys:\n  keys:\n  - filename: /k\n", "Envoy's configuration", "/k"),
        ("ticketKeySecret = 00\n", "stunnel's secrets", "64 hex"),
        (f"- name: {'ab' * 16}\n  cipher: aes-128-cbc\n  key: {'cd' * 80}\n", "h2o's", "aes-256"),
    ):
        with pytest.raises(KeyFileError, match=words) as caught:
            parse_key_file(text.encode(), "f")
        assert hint in caught.value.hints[0]
    with pytest.raises(KeyFileError, match="keys have different lengths"):
        parse_key_file(f"{LINES[0]}\n{base64.b64encode(bytes(48)).decode()}\n".encode(), "f")


def test_what_is_as_long_as_a_key_is_none():
    """Hashes and session IDs in JSON and YAML are no keys."""
    for text in (
        json.dumps({"files": [{"sha256": "5e" * 32, "session_id": "ab" * 32}]}),
        json.dumps({"kind": "Secret", "metadata": {"uid": "5e" * 32}, "data": {"a": "eA=="}}),
        f"kind: Secret\nmetadata:\n  annotations:\n    checksum: {'5e' * 32}\ndata:\n  a: eA==\n",
    ):
        with pytest.raises(KeyFileError):
            parse_key_file(text.encode(), "f")


@pytest.mark.parametrize(
    ("keys", "session", "order"),
    [("h2o.yaml", "h2o12.pem", "h2o"), ("stunnel.conf", "stunnel12.pem", "without a name")],
)
def test_keys_of_real_servers_open_their_tickets(keys, session, order):
    """h2o's YAML and stunnel's secrets open the tickets that those servers made."""
    file: TicketKeyFile = parse_key_file((FILES / keys).read_bytes(), keys)
    ticket = read_session_file(str(FILES / session)).session.fields.ticket
    assert ticket is not None
    opened = open_with(ticket, [file])
    assert opened is not None
    unsealed: Unsealed = opened.unsealed
    assert unsealed.mac
    assert order in unsealed.key.order
    assert open_with(ticket[:-1] + bytes([ticket[-1] ^ 1]), [file]) is None or file.keys


_PIECES = st.sampled_from(
    [
        *LINES, HEX[:60], HEX, SHOW, "\n", "# x\n", "0.1 ", "{", "[", '"', "kind: Secret\n", "data:\n  a: ",
        "session_ticket_keys:\n", "inline_bytes: ", "- name: ", "ab" * 16, "key: |\n  ", SECRET,
        "ticketKeySecret = ", "00000000: ", '{"old": [', "\u00fc",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=10).map("".join))
def test_any_text(text):
    """Of pieces of all forms, in any order, only keys or our error come out."""
    with suppress(KeyFileError):
        parse_key_file(text.encode(), "f")


@pytest.mark.slow
def test_work_grows_with_the_text():
    """Four times the text is about four times the work."""

    def work(data: bytes) -> None:
        with suppress(KeyFileError):
            parse_key_file(data, "f")

    for unit in (b"A", b"ab\n", b"x: |\n ", b"a: b\n", b"0.0 A\n", b"[", b'{"a":', b"A" * 64 + b"\n",
                 b"kind: Secret\n", b"00000000: 3030\n", b"- name: 00\n key: 00\n"):  # fmt: skip
        assert_linear(work, unit, 4 * 1024)
