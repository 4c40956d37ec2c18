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


_OPENSSL, _BORINGSSL, _WOLFSSL, _GNUTLS = "OpenSSL", "BoringSSL, Chrome", "wolfSSL", "GnuTLS"
_JSSE, _GO, _RUSTLS, _FIREFOX, _FTP = "Java", "Go", "rustls", "Firefox, NSS", "FTP servers"
_HTTP, _NGINX, _PYTHON, _NODE = "HTTP servers", "nginx", "Python", "Node"

_CUT = ("dies-on-session", "breaks-anyway")
_EMS = ("ems-changed", "ems-upgraded")

MESSAGES: tuple[LogMessage, ...] = (
    # ------------------------------------------------------------------- OpenSSL
    LogMessage("session id context uninitialized", _OPENSSL, "no-session-id-context"),
    LogMessage(
        "tlsv1 alert internal error", _OPENSSL, "no-session-id-context", ("fails-with-session",)
    ),
    LogMessage("attempt to reuse session in different context", _OPENSSL, "context-mismatch"),
    LogMessage(
        "decryption failed or bad record mac", _OPENSSL, "wrong-secret", ("other-ticket-key",)
    ),
    LogMessage("ssl alert bad record mac", _OPENSSL, "wrong-secret"),
    LogMessage("digest check failed", _OPENSSL, "wrong-secret", ("wrong-binder",)),
    LogMessage("binder does not verify", "OpenSSL, wolfSSL", "wrong-binder"),
    LogMessage("tls psk do binder", _OPENSSL, "wrong-binder"),
    LogMessage("tlsv1 alert decrypt error", _OPENSSL, "wrong-binder", ("wrong-secret",)),
    LogMessage("bad psk identity", _OPENSSL, "wrong-binder"),
    LogMessage("inconsistent extms", _OPENSSL, "ems-dropped", _EMS),
    LogMessage("old session cipher not returned", _OPENSSL, "cipher-removed"),
    LogMessage("required cipher missing", _OPENSSL, "cipher-removed"),
    LogMessage("no shared cipher", _OPENSSL, "cipher-removed", ("mixed-version-pool",)),
    LogMessage("ciphersuite digest has changed", _OPENSSL, "hash-mismatch"),
    LogMessage("ssl session version mismatch", _OPENSSL, "version-changed"),
    LogMessage(
        "tlsv1 alert protocol version", _OPENSSL, "version-not-allowed", ("mixed-version-pool",)
    ),
    LogMessage(
        "unsupported protocol version", _OPENSSL, "version-not-allowed", ("mixed-version-pool",)
    ),
    LogMessage("ssl alert handshake failure", _OPENSSL, "fails-with-session", ("cipher-removed",)),
    LogMessage(
        "ssl alert illegal parameter", _OPENSSL, "fails-with-session", ("hash-mismatch", *_EMS)
    ),
    LogMessage("unsolicited extension", _OPENSSL, "fails-with-session"),
    LogMessage("unexpected eof while reading", _OPENSSL, "marked-not-resumable", _CUT),
    LogMessage("tlsv1 unrecognized name", _OPENSSL, "cross-name-refused"),
    LogMessage("tlsv13 alert certificate required", _OPENSSL, "client-certificate"),
    LogMessage("peer did not return a certificate", _OPENSSL, "client-certificate"),
    LogMessage("unknown ssl version unsupported ssl version", _OPENSSL, "file-unreadable"),
    LogMessage("unable to load SSL SESSION", _OPENSSL, "file-unreadable"),
    LogMessage("can't open session file", _OPENSSL, "file-unreadable"),
    LogMessage("d2i_SSL_SESSION asn1 encoding routines wrong tag", _OPENSSL, "file-unreadable"),
    LogMessage(
        "no start line expecting SSL SESSION PARAMETERS pem routines", _OPENSSL, "file-unreadable"
    ),
    LogMessage("early data was rejected", _OPENSSL, "early-data-rejected"),
    LogMessage("ssl read early data skip too much early data", _OPENSSL, "early-data-rejected"),
    # ----------------------------------------------------------- BoringSSL, Chrome
    LogMessage("resumed ems session without ems extension", _BORINGSSL, "ems-dropped", _EMS),
    LogMessage("resumed non ems session with ems extension", _BORINGSSL, "ems-changed"),
    LogMessage("old session prf hash mismatch", _BORINGSSL, "hash-mismatch"),
    LogMessage("old session version not returned", _BORINGSSL, "version-changed"),
    LogMessage("ERR_EARLY_DATA_REJECTED", _BORINGSSL, "early-data-rejected"),
    LogMessage("alpn mismatch on early data", _BORINGSSL, "early-data-rejected"),
    LogMessage("cipher mismatch on early data", _BORINGSSL, "early-data-rejected"),
    LogMessage("ERR_WRONG_VERSION_ON_EARLY_DATA", _BORINGSSL, "mixed-version-pool"),
    LogMessage("ERR_SSL_BAD_RECORD_MAC_ALERT", _BORINGSSL, "wrong-secret"),
    LogMessage("ERR_SSL_DECRYPT_ERROR_ALERT", _BORINGSSL, "wrong-binder"),
    LogMessage("ERR_SSL_VERSION_OR_CIPHER_MISMATCH", _BORINGSSL, "cipher-removed"),
    LogMessage("ERR_SSL_TLS13_DOWNGRADE_DETECTED", _BORINGSSL, "mixed-version-pool"),
    LogMessage("ERR_SSL_UNRECOGNIZED_NAME_ALERT", _BORINGSSL, "cross-name-refused"),
    LogMessage("ERR_SSL_PROTOCOL_ERROR", _BORINGSSL, "fails-with-session"),
    LogMessage("ERR_CONNECTION_CLOSED", _BORINGSSL, "dies-on-session", ("breaks-anyway",)),
    LogMessage("ERR_CONNECTION_RESET", _BORINGSSL, "dies-on-session", ("breaks-anyway",)),
    LogMessage("ERR_EMPTY_RESPONSE", _BORINGSSL, "dies-on-session", ("breaks-anyway",)),
    LogMessage(
        "ERR_BAD_SSL_CLIENT_AUTH_CERT", _BORINGSSL, "client-certificate", ("resumed-then-refused",)
    ),
    # ----------------------------------------------------------------- Firefox, NSS
    LogMessage("SSL_ERROR_BAD_MAC_READ", _FIREFOX, "wrong-secret"),
    LogMessage(
        "SSL received a record with an incorrect Message Authentication Code",
        _FIREFOX,
        "wrong-secret",
    ),
    LogMessage("SSL_ERROR_BAD_MAC_ALERT", _FIREFOX, "wrong-secret"),
    LogMessage("SSL_ERROR_DECRYPT_ERROR_ALERT", _FIREFOX, "wrong-binder"),
    LogMessage("SSL_ERROR_INTERNAL_ERROR_ALERT", _FIREFOX, "no-session-id-context"),
    LogMessage("SSL_ERROR_MISSING_EXTENDED_MASTER_SECRET", _FIREFOX, "ems-changed"),
    LogMessage(
        "peer tried to resume without a correct extended_master_secret extension",
        _FIREFOX,
        "ems-changed",
    ),
    LogMessage("SSL_ERROR_UNEXPECTED_EXTENDED_MASTER_SECRET", _FIREFOX, "ems-changed"),
    LogMessage("PR_END_OF_FILE_ERROR", _FIREFOX, "dies-on-session", ("breaks-anyway",)),
    LogMessage("PR_CONNECT_RESET_ERROR", _FIREFOX, "dies-on-session", ("breaks-anyway",)),
    LogMessage("SSL_ERROR_UNRECOGNIZED_NAME_ALERT", _FIREFOX, "cross-name-refused"),
    LogMessage("SSL_ERROR_DOWNGRADE_WITH_EARLY_DATA", _FIREFOX, "mixed-version-pool"),
    LogMessage("SSL_ERROR_TOO_MUCH_EARLY_DATA", _FIREFOX, "early-data-rejected"),
    LogMessage("SSL_ERROR_NO_CYPHER_OVERLAP", _FIREFOX, "cipher-removed"),
    # ---------------------------------------------------------------------- wolfSSL
    LogMessage("bad binder", _WOLFSSL, "wrong-binder"),
    LogMessage("verify mac problem", _WOLFSSL, "wrong-secret"),
    LogMessage(
        "Extended Master Secret must be enabled to resume EMS session", _WOLFSSL, "ems-dropped"
    ),
    LogMessage("session ticket has expired", _WOLFSSL, "expired-at-server"),
    LogMessage("PSK key error", _WOLFSSL, "wrong-binder"),
    # ----------------------------------------------------------------------- GnuTLS
    LogMessage("Decryption has failed", _GNUTLS, "wrong-secret"),
    LogMessage(
        "TLS connection was non-properly terminated", _GNUTLS, "unclean-close", ("ftp-reuse-fails",)
    ),
    LogMessage("requested session has expired", _GNUTLS, "expired-at-server"),
    LogMessage("error while verifying binder PSK binder invalid", _GNUTLS, "wrong-binder"),
    LogMessage("extended master secret required for resumption", _GNUTLS, "ems-changed"),
    # ------------------------------------------------------------------------- Java
    LogMessage("Incorrect PSK binder value", _JSSE, "wrong-binder"),
    LogMessage("Incorect PSK binder value", _JSSE, "wrong-binder"),
    LogMessage(
        "Missing required extended_master_secret extension on session resumption",
        _JSSE,
        "ems-dropped",
        _EMS,
    ),
    LogMessage(
        "Extended Master Secret extension is required to resume session", _JSSE, "ems-dropped", _EMS
    ),
    LogMessage("AEADBadTagException Tag mismatch", _JSSE, "wrong-secret"),
    LogMessage("Insufficient buffer remaining for AEAD cipher fragment", _JSSE, "wrong-secret"),
    LogMessage("bad record MAC", _JSSE, "wrong-secret"),
    LogMessage("Can't resume, incorrect protocol version", _JSSE, "version-changed"),
    LogMessage("Can't resume, session is not rejoinable", _JSSE, "unclean-close"),
    LogMessage("Can't resume, extended master secret", _JSSE, "ems-changed"),
    LogMessage("Invalid stateless session ticket", _JSSE, "other-ticket-key"),
    LogMessage("unable to decrypt session ticket", _JSSE, "other-ticket-key"),
    LogMessage(
        "Remote host terminated the handshake", _JSSE, "dies-on-session", ("breaks-anyway",)
    ),
    LogMessage(
        "Remote host closed connection during handshake",
        _JSSE,
        "dies-on-session",
        ("breaks-anyway",),
    ),
    LogMessage(
        "Received fatal alert: internal_error",
        _JSSE,
        "no-session-id-context",
        ("fails-with-session",),
    ),
    LogMessage("Received fatal alert: bad_record_mac", _JSSE, "wrong-secret"),
    LogMessage("Received fatal alert: decrypt_error", _JSSE, "wrong-binder"),
    LogMessage(
        "Received fatal alert: handshake_failure", _JSSE, "fails-with-session", ("cipher-removed",)
    ),
    LogMessage("Received fatal alert: unrecognized_name", _JSSE, "cross-name-refused"),
    # --------------------------------------------------------------------------- Go
    LogMessage("tls: invalid PSK binder", _GO, "wrong-binder"),
    LogMessage("remote error: tls: error decrypting message", _GO, "wrong-binder"),
    LogMessage("server resumed a session with a different version", _GO, "version-changed"),
    LogMessage("server resumed a session with a different cipher suite", _GO, "cipher-removed"),
    LogMessage("server resumed a session with a different EMS extension", _GO, "ems-changed"),
    LogMessage("session supported extended_master_secret but client does not", _GO, "ems-dropped"),
    LogMessage("server selected an invalid PSK and cipher suite pair", _GO, "hash-mismatch"),
    LogMessage("failed to decrypt ticket", _GO, "other-ticket-key"),
    LogMessage("client didn't provide a certificate", _GO, "client-certificate"),
    # ----------------------------------------------------------------------- rustls
    LogMessage("IncorrectBinder", _RUSTLS, "wrong-binder"),
    LogMessage("ResumptionOfferedWithVariedCipherSuite", _RUSTLS, "cipher-removed"),
    LogMessage("ResumptionOfferedWithVariedEms", _RUSTLS, "ems-changed"),
    LogMessage("ResumptionAttemptedWithVariedEms", _RUSTLS, "ems-changed"),
    LogMessage("ResumptionOfferedWithIncompatibleCipherSuite", _RUSTLS, "hash-mismatch"),
    LogMessage("DecryptError cannot decrypt peer's message", _RUSTLS, "wrong-secret"),
    # ---------------------------------------------------------------- FTP servers
    LogMessage(
        "522 SSL connection failed session reuse required see require_ssl_reuse option",
        _FTP,
        "ftp-reuse-required",
        ("ftp-data-not-resumed",),
    ),
    LogMessage("522 SSL connection failed", _FTP, "ftp-reuse-required", ("ftp-reuse-fails",)),
    LogMessage("require_ssl_reuse", _FTP, "ftp-reuse-required"),
    LogMessage("no SSL session reuse on data channel", _FTP, "ftp-reuse-required"),
    LogMessage(
        "425 Unable to build data connection: Operation not permitted", _FTP, "ftp-reuse-required"
    ),
    LogMessage(
        "425 Unable to build data connection", _FTP, "ftp-reuse-required", ("ftp-reuse-fails",)
    ),
    LogMessage(
        "client did not reuse SSL session, rejecting data connection NoSessionReuseRequired",
        _FTP,
        "ftp-reuse-required",
    ),
    LogMessage(
        "450 TLS session of data connection has not resumed or the session does not match the"
        " control connection",
        _FTP,
        "ftp-reuse-required",
        ("ftp-data-not-resumed",),
    ),
    LogMessage(
        "425 Cannot secure data connection TLS session resumption required",
        _FTP,
        "ftp-reuse-required",
    ),
    LogMessage("TLS session of data connection not resumed", _FTP, "ftp-reuse-required"),
    LogMessage("426 Failure reading network stream data connection", _FTP, "ftp-reuse-fails"),
    LogMessage("425 Data connection failed", _FTP, "ftp-reuse-fails", ("ftp-reuse-required",)),
    LogMessage("server requires SSL session reuse on data connection", _FTP, "ftp-reuse-required"),
    # --------------------------------------------------------------- HTTP, nginx
    LogMessage("421 Misdirected Request", _HTTP, "resumed-then-refused", ("cross-name-accepted",)),
    LogMessage("425 Too Early", _HTTP, "early-data-rejected"),
    LogMessage("400 No required SSL certificate was sent", _NGINX, "client-certificate"),
    LogMessage("client sent no required SSL certificate", _NGINX, "client-certificate"),
    LogMessage(
        "400 The SSL certificate error", _NGINX, "client-certificate", ("resumed-then-refused",)
    ),
    LogMessage(
        "client attempted to request the server name different from the one that was negotiated",
        _NGINX,
        "resumed-then-refused",
        ("cross-name-accepted",),
    ),
    LogMessage(
        "Hostname provided via SNI and hostname provided via HTTP are different",
        _HTTP,
        "resumed-then-refused",
        ("cross-name-accepted",),
    ),
    LogMessage("could not allocate new session in SSL session shared cache", _NGINX, "cache-miss"),
    LogMessage("SSL session ticket decrypt key not found", _NGINX, "other-ticket-key"),
    LogMessage("403 Cannot renegotiate client certificate", _HTTP, "client-certificate"),
    # ------------------------------------------------------------- Python, Node
    LogMessage("Session refers to a different SSLContext", _PYTHON, "context-mismatch"),
    LogMessage("Context.set_session different Context", _PYTHON, "context-mismatch"),
    LogMessage(
        "EOF occurred in violation of protocol", _PYTHON, "dies-on-session", ("unclean-close",)
    ),
    LogMessage(
        "Client network socket disconnected before secure TLS connection was established",
        _NODE,
        "dies-on-session",
        ("breaks-anyway",),
    ),
)
