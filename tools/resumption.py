"""How resumption works, told once: for docs/resumption.md and for tlsresume(7).

Each statement of `STATEMENTS` is about what OpenSSL's SSL_set_session(3) and the
pages around it say, in our words, with the command that shows it. The commands
are real: a test parses each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """What is so, in a few words and at length; where it is said; and what shows it."""

    title: str
    text: str
    source: str
    commands: tuple[str, ...]


INTRODUCTION = """
A full TLS handshake agrees on a secret and proves who the server is. Resumption is a handshake
that starts from the secret of an earlier one: no certificate is sent, nothing is signed, and in
TLS 1.2 a round trip is saved. The client keeps a *session*, offers it in its ClientHello, and the
server accepts it or makes a full handshake instead. That refusal is no error, which is why broken
resumption goes unnoticed.
"""

MECHANISMS: tuple[tuple[str, str], ...] = (
    (
        "session-id",
        (
            "TLS 1.2 and older. The server keeps the session in a cache and gives the client its ID."
            " Works only where that cache is: on the same node, unless nodes share it."
        ),
    ),
    (
        "ticket",
        (
            "TLS 1.2, RFC 5077. The server seals the session with a key of its own and gives it to"
            " the client, inside the handshake. Works wherever the same ticket key is."
        ),
    ),
    (
        "psk",
        (
            "TLS 1.3, RFC 8446. Tickets that come after the handshake, each meant to be used once:"
            " sealed as in TLS 1.2, or (32 bytes, from OpenSSL) names of entries in a cache."
        ),
    ),
)

STATEMENTS: tuple[Statement, ...] = (
    Statement(
        "Setting a session is an offer.",
        "SSL_set_session() returns 1 when the session was put into the SSL object. Whether it is"
        " then offered, and whether the server takes it, is decided in the handshake. tlsresume"
        " prints all three: SSL_set_session, what was on the wire, SSL_session_reused.",
        "SSL_set_session(3)",
        ("tlsresume resume FILE",),
    ),
    Statement(
        "A refused session shows in SSL_session_reused, and nowhere else in the API.",
        "The connection works, the return values are the same; SSL_session_reused() is 0. On the"
        " wire there is a Certificate message. tlsresume says New, and why.",
        "SSL_session_reused(3)",
        ("tlsresume resume FILE", "tlsresume explain"),
    ),
    Statement(
        "When a call fails, the reason is in the error stack.",
        "A return value of 0 says nothing more. tlsresume prints the name of the call and the"
        " whole error queue, oldest entry first, and says so where OpenSSL gave no reason.",
        "SSL_set_session(3), ERR_get_error(3)",
        ("tlsresume resume FILE", "tlsresume explain file-unreadable"),
    ),
    Statement(
        "It is of use to clients only.",
        "A server is told by the ClientHello which session is meant. With -v the offer can be"
        " seen in our ClientHello, and the answer in the ServerHello.",
        "SSL_set_session(3)",
        ("tlsresume resume -v FILE",),
    ),
    Statement(
        "Setting a session frees the one before.",
        "An SSL object has one session; another one that is set takes its place. With --tries"
        " each connection is an SSL object of its own, given the same session from its bytes, so"
        " that none depends on what the one before did to it.",
        "SSL_set_session(3)",
        ("tlsresume resume --tries 3 FILE",),
    ),
    Statement(
        "One session, one context.",
        "An SSL_SESSION knows the cache of its SSL_CTX, and must not be used with another."
        " Stored as bytes it is free of that: a file that was saved by one process is resumed by"
        " another, and by `openssl s_client -sess_in` too.",
        "SSL_set_session(3), d2i_SSL_SESSION(3)",
        ("tlsresume save HOST", "tlsresume resume FILE", "tlsresume explain context-mismatch"),
    ),
    Statement(
        "A session that was never shut down is bad.",
        "A connection that ends without SSL_shutdown(), or by a fatal alert, leaves a session that"
        " must not be resumed: OpenSSL marks it in the client, and servers that keep sessions"
        " drop it from their cache. Cut a connection, then offer the session once more.",
        "SSL_clear(3), SSL_set_shutdown(3)",
        (
            "tlsresume resume --unclean-close FILE",
            "tlsresume resume FILE",
            "tlsresume probe --experiment close HOST",
        ),
    ),
    Statement(
        "In TLS 1.3 the session comes after the handshake.",
        "SSL_get_session() right after the handshake gives one that cannot be resumed; the ticket"
        " comes with the first read, from some servers only after a request. `save` waits for it,"
        " and writes no file without it.",
        "SSL_get_session(3)",
        ("tlsresume save --ticket-wait 5 HOST", "tlsresume explain captured-too-early"),
    ),
    Statement(
        "A session belongs to its TLS version, and to its cipher or that cipher's hash.",
        "OpenSSL leaves a session out of the ClientHello, without a word, when the versions or"
        " ciphers that are allowed do not fit it. So `resume` pins what was saved.",
        "SSL_set_session(3), RFC 8446 section 4.2.11",
        ("tlsresume resume --tls 1.2 FILE", "tlsresume explain version-not-allowed"),
    ),
    Statement(
        "A resumed connection verifies nothing.",
        "No certificate is sent; SSL_get_verify_result() gives what was stored in the session."
        " tlsresume never calls a resumed connection's certificate verified.",
        "SSL_get_verify_result(3)",
        ("tlsresume resume FILE", "tlsresume explain resumption-not-verified"),
    ),
)
