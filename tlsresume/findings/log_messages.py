"""What other programs say of these causes, so that a line of their logs finds its page.

A row is a message as programs print it, without what changes from line to line, the page that
tells what it means, and pages that it may mean as well. Spelling and order follow the
programs; a search compares words, so that a row serves every spelling of the same message
(`SSL_R_SESSION_ID_CONTEXT_UNINITIALIZED` and "session id context uninitialized"). Numbers of
replies (FTP, HTTP) count as words. Whoever writes a finding adds what people see of it here.
"""

from __future__ import annotations

from tlsresume.value import Value


class LogMessage(Value, frozen=True):
    """A message, the program or library that prints it, its page, and other pages."""

    text: str
    of: str
    page: str
    others: tuple[str, ...] = ()


def _of(program: str, *messages: tuple[str, ...]) -> tuple[LogMessage, ...]:
    """The messages of one program: each its text, its page, and other pages."""
    return tuple(LogMessage(text, program, page, tuple(more)) for text, page, *more in messages)


_CUT = ("dies-on-session", "breaks-anyway")
_EMS = ("ems-changed", "ems-upgraded")

MESSAGES: tuple[LogMessage, ...] = (
    *_of(
        "OpenSSL",
        ("session id context uninitialized", "no-session-id-context"),
        ("tlsv1 alert internal error", "no-session-id-context", "fails-with-session"),
        ("attempt to reuse session in different context", "context-mismatch"),
        ("decryption failed or bad record mac", "wrong-secret", "other-ticket-key"),
        ("ssl alert bad record mac", "wrong-secret"),
        ("digest check failed", "wrong-secret", "wrong-binder"),
    ),
    *_of(
        "OpenSSL, wolfSSL",
        ("binder does not verify", "wrong-binder"),
    ),
    *_of(
        "OpenSSL",
        ("tls psk do binder", "wrong-binder"),
        ("tlsv1 alert decrypt error", "wrong-binder", "wrong-secret"),
        ("bad psk identity", "wrong-binder"),
        ("inconsistent extms", "ems-dropped", *_EMS),
        ("old session cipher not returned", "cipher-removed"),
        ("required cipher missing", "cipher-removed"),
        ("no shared cipher", "cipher-removed", "mixed-version-pool"),
        ("ciphersuite digest has changed", "hash-mismatch"),
        ("ssl session version mismatch", "version-changed"),
        ("tlsv1 alert protocol version", "version-not-allowed", "mixed-version-pool"),
        ("unsupported protocol version", "version-not-allowed", "mixed-version-pool"),
        ("ssl alert handshake failure", "fails-with-session", "cipher-removed"),
        ("ssl alert illegal parameter", "fails-with-session", "hash-mismatch", *_EMS),
        ("unsolicited extension", "fails-with-session"),
        ("unexpected eof while reading", "marked-not-resumable", *_CUT),
        ("tlsv1 unrecognized name", "cross-name-refused"),
        ("tlsv13 alert certificate required", "client-certificate"),
        ("peer did not return a certificate", "client-certificate"),
        ("unknown ssl version unsupported ssl version", "file-unreadable"),
        ("unable to load SSL SESSION", "file-unreadable"),
        ("can't open session file", "file-unreadable"),
        ("d2i_SSL_SESSION asn1 encoding routines wrong tag", "file-unreadable"),
        ("no start line expecting SSL SESSION PARAMETERS pem routines", "file-unreadable"),
        ("early data was rejected", "early-data-rejected"),
        ("ssl read early data skip too much early data", "early-data-rejected"),
    ),
    *_of(
        "BoringSSL, Chrome",
        ("resumed ems session without ems extension", "ems-dropped", *_EMS),
        ("resumed non ems session with ems extension", "ems-changed"),
        ("old session prf hash mismatch", "hash-mismatch"),
        ("old session version not returned", "version-changed"),
        ("ERR_EARLY_DATA_REJECTED", "early-data-rejected"),
        ("alpn mismatch on early data", "early-data-rejected"),
        ("cipher mismatch on early data", "early-data-rejected"),
        ("ERR_WRONG_VERSION_ON_EARLY_DATA", "mixed-version-pool"),
        ("ERR_SSL_BAD_RECORD_MAC_ALERT", "wrong-secret"),
        ("ERR_SSL_DECRYPT_ERROR_ALERT", "wrong-binder"),
        ("ERR_SSL_VERSION_OR_CIPHER_MISMATCH", "cipher-removed"),
        ("ERR_SSL_TLS13_DOWNGRADE_DETECTED", "mixed-version-pool"),
        ("ERR_SSL_UNRECOGNIZED_NAME_ALERT", "cross-name-refused"),
        ("ERR_SSL_PROTOCOL_ERROR", "fails-with-session"),
        ("ERR_CONNECTION_CLOSED", *_CUT),
        ("ERR_CONNECTION_RESET", *_CUT),
        ("ERR_EMPTY_RESPONSE", *_CUT),
        ("ERR_BAD_SSL_CLIENT_AUTH_CERT", "client-certificate", "resumed-then-refused"),
    ),
    *_of(
        "Firefox, NSS",
        ("SSL_ERROR_BAD_MAC_READ", "wrong-secret"),
        ("SSL received a record with an incorrect Message Authentication Code", "wrong-secret"),
        ("SSL_ERROR_BAD_MAC_ALERT", "wrong-secret"),
        ("SSL_ERROR_DECRYPT_ERROR_ALERT", "wrong-binder"),
        ("SSL_ERROR_INTERNAL_ERROR_ALERT", "no-session-id-context"),
        ("SSL_ERROR_MISSING_EXTENDED_MASTER_SECRET", "ems-changed"),
        ("peer tried to resume without a correct extended_master_secret extension", "ems-changed"),
        ("SSL_ERROR_UNEXPECTED_EXTENDED_MASTER_SECRET", "ems-changed"),
        ("PR_END_OF_FILE_ERROR", *_CUT),
        ("PR_CONNECT_RESET_ERROR", *_CUT),
        ("SSL_ERROR_UNRECOGNIZED_NAME_ALERT", "cross-name-refused"),
        ("SSL_ERROR_DOWNGRADE_WITH_EARLY_DATA", "mixed-version-pool"),
        ("SSL_ERROR_TOO_MUCH_EARLY_DATA", "early-data-rejected"),
        ("SSL_ERROR_NO_CYPHER_OVERLAP", "cipher-removed"),
    ),
    *_of(
        "wolfSSL",
        ("bad binder", "wrong-binder"),
        ("verify mac problem", "wrong-secret"),
        ("Extended Master Secret must be enabled to resume EMS session", "ems-dropped"),
        ("session ticket has expired", "expired-at-server"),
        ("PSK key error", "wrong-binder"),
    ),
    *_of(
        "GnuTLS",
        ("Decryption has failed", "wrong-secret"),
        ("TLS connection was non-properly terminated", "unclean-close", "ftp-reuse-fails"),
        ("requested session has expired", "expired-at-server"),
        ("error while verifying binder PSK binder invalid", "wrong-binder"),
        ("extended master secret required for resumption", "ems-changed"),
    ),
    *_of(
        "Java",
        ("Incorrect PSK binder value", "wrong-binder"),
        ("Incorect PSK binder value", "wrong-binder"),
        (
            "Missing required extended_master_secret extension on session resumption",
            "ems-dropped",
            *_EMS,
        ),
        ("Extended Master Secret extension is required to resume session", "ems-dropped", *_EMS),
        ("AEADBadTagException Tag mismatch", "wrong-secret"),
        ("Insufficient buffer remaining for AEAD cipher fragment", "wrong-secret"),
        ("bad record MAC", "wrong-secret"),
        ("Can't resume, incorrect protocol version", "version-changed"),
        ("Can't resume, session is not rejoinable", "unclean-close"),
        ("Can't resume, extended master secret", "ems-changed"),
        ("Invalid stateless session ticket", "other-ticket-key"),
        ("unable to decrypt session ticket", "other-ticket-key"),
        ("Remote host terminated the handshake", *_CUT),
        ("Remote host closed connection during handshake", *_CUT),
        ("Received fatal alert: internal_error", "no-session-id-context", "fails-with-session"),
        ("Received fatal alert: bad_record_mac", "wrong-secret"),
        ("Received fatal alert: decrypt_error", "wrong-binder"),
        ("Received fatal alert: handshake_failure", "fails-with-session", "cipher-removed"),
        ("Received fatal alert: unrecognized_name", "cross-name-refused"),
    ),
    *_of(
        "Go",
        ("tls: invalid PSK binder", "wrong-binder"),
        ("remote error: tls: error decrypting message", "wrong-binder"),
        ("server resumed a session with a different version", "version-changed"),
        ("server resumed a session with a different cipher suite", "cipher-removed"),
        ("server resumed a session with a different EMS extension", "ems-changed"),
        ("session supported extended_master_secret but client does not", "ems-dropped"),
        ("server selected an invalid PSK and cipher suite pair", "hash-mismatch"),
        ("failed to decrypt ticket", "other-ticket-key"),
        ("client didn't provide a certificate", "client-certificate"),
    ),
    *_of(
        "rustls",
        ("IncorrectBinder", "wrong-binder"),
        ("ResumptionOfferedWithVariedCipherSuite", "cipher-removed"),
        ("ResumptionOfferedWithVariedEms", "ems-changed"),
        ("ResumptionAttemptedWithVariedEms", "ems-changed"),
        ("ResumptionOfferedWithIncompatibleCipherSuite", "hash-mismatch"),
        ("DecryptError cannot decrypt peer's message", "wrong-secret"),
    ),
    *_of(
        "FTP servers",
        (
            "522 SSL connection failed session reuse required see require_ssl_reuse option",
            "ftp-reuse-required",
            "ftp-data-not-resumed",
        ),
        ("522 SSL connection failed", "ftp-reuse-required", "ftp-reuse-fails"),
        ("require_ssl_reuse", "ftp-reuse-required"),
        ("no SSL session reuse on data channel", "ftp-reuse-required"),
        ("425 Unable to build data connection: Operation not permitted", "ftp-reuse-required"),
        ("425 Unable to build data connection", "ftp-reuse-required", "ftp-reuse-fails"),
        (
            "client did not reuse SSL session, rejecting data connection NoSessionReuseRequired",
            "ftp-reuse-required",
        ),
        (
            "450 TLS session of data connection has not resumed or the session does not match the control connection",
            "ftp-reuse-required",
            "ftp-data-not-resumed",
        ),
        ("425 Cannot secure data connection TLS session resumption required", "ftp-reuse-required"),
        ("TLS session of data connection not resumed", "ftp-reuse-required"),
        ("426 Failure reading network stream data connection", "ftp-reuse-fails"),
        ("425 Data connection failed", "ftp-reuse-fails", "ftp-reuse-required"),
        ("server requires SSL session reuse on data connection", "ftp-reuse-required"),
    ),
    *_of(
        "HTTP servers",
        ("421 Misdirected Request", "resumed-then-refused", "cross-name-accepted"),
        ("425 Too Early", "early-data-rejected"),
    ),
    *_of(
        "nginx",
        ("400 No required SSL certificate was sent", "client-certificate"),
        ("client sent no required SSL certificate", "client-certificate"),
        ("400 The SSL certificate error", "client-certificate", "resumed-then-refused"),
        (
            "client attempted to request the server name different from the one that was negotiated",
            "resumed-then-refused",
            "cross-name-accepted",
        ),
    ),
    *_of(
        "HTTP servers",
        (
            "Hostname provided via SNI and hostname provided via HTTP are different",
            "resumed-then-refused",
            "cross-name-accepted",
        ),
    ),
    *_of(
        "nginx",
        ("could not allocate new session in SSL session shared cache", "cache-miss"),
        ("SSL session ticket decrypt key not found", "other-ticket-key"),
    ),
    *_of(
        "HTTP servers",
        ("403 Cannot renegotiate client certificate", "client-certificate"),
    ),
    *_of(
        "Python",
        ("Session refers to a different SSLContext", "context-mismatch"),
        ("Context.set_session different Context", "context-mismatch"),
        ("EOF occurred in violation of protocol", "dies-on-session", "unclean-close"),
    ),
    *_of(
        "Node",
        ("Client network socket disconnected before secure TLS connection was established", *_CUT),
    ),
)
