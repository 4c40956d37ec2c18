"""The numbers of TLS and their names, as IANA registers them.

Names are the RFCs' own. A number that is not here is no error: values keep it
as a plain int, and `name_of` says it in digits. Only what some part of the
tool reads or prints is listed. Source: the IANA registries "TLS Parameters" and
"TLS ExtensionType Values"; RFC 8446 sections 4, 6 and B.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache


class ContentType(IntEnum):
    """RFC 8446 section 5.1."""

    change_cipher_spec = 20
    alert = 21
    handshake = 22
    application_data = 23


class ProtocolVersion(IntEnum):
    """RFC 8446 section 4.1.2 and its predecessors; ordered, oldest first."""

    SSLv3 = 0x0300
    TLSv1_0 = 0x0301
    TLSv1_1 = 0x0302
    TLSv1_2 = 0x0303
    TLSv1_3 = 0x0304

    @property
    def label(self) -> str:
        """What people read: "TLSv1.3"."""
        return self.name.replace("_", ".")

    @classmethod
    def from_label(cls, label: str) -> ProtocolVersion:
        """The version called "TLSv1.3" or "1.3" (or OpenSSL's "TLSv1"). Raises ValueError."""
        for version in cls:
            if label in (version.label, version.label.removeprefix("TLSv")):
                return version
        if label == "TLSv1":
            return cls.TLSv1_0
        raise ValueError(f"not a TLS version: {label!r}")


class HandshakeType(IntEnum):
    """RFC 8446 section 4, with the older messages of its section B.3."""

    hello_request = 0
    client_hello = 1
    server_hello = 2
    hello_verify_request = 3
    new_session_ticket = 4
    end_of_early_data = 5
    hello_retry_request = 6
    encrypted_extensions = 8
    certificate = 11
    server_key_exchange = 12
    certificate_request = 13
    server_hello_done = 14
    certificate_verify = 15
    client_key_exchange = 16
    finished = 20
    certificate_url = 21
    certificate_status = 22
    supplemental_data = 23
    key_update = 24
    compressed_certificate = 25
    next_proto = 67
    message_hash = 254


class ExtensionType(IntEnum):
    """RFC 8446 section 4.2, RFC 5077, RFC 7627, RFC 8879, RFC 5746 and others."""

    server_name = 0
    max_fragment_length = 1
    status_request = 5
    supported_groups = 10
    ec_point_formats = 11
    signature_algorithms = 13
    use_srtp = 14
    heartbeat = 15
    application_layer_protocol_negotiation = 16
    signed_certificate_timestamp = 18
    client_certificate_type = 19
    server_certificate_type = 20
    padding = 21
    encrypt_then_mac = 22
    extended_master_secret = 23
    compress_certificate = 27
    record_size_limit = 28
    session_ticket = 35
    pre_shared_key = 41
    early_data = 42
    supported_versions = 43
    cookie = 44
    psk_key_exchange_modes = 45
    certificate_authorities = 47
    oid_filters = 48
    post_handshake_auth = 49
    signature_algorithms_cert = 50
    key_share = 51
    ticket_request = 58
    encrypted_client_hello = 0xFE0D
    renegotiation_info = 0xFF01


class AlertLevel(IntEnum):
    """RFC 8446 section 6."""

    warning = 1
    fatal = 2


class AlertDescription(IntEnum):
    """RFC 8446 section 6, with the alerts that only older versions use."""

    close_notify = 0
    unexpected_message = 10
    bad_record_mac = 20
    decryption_failed = 21
    record_overflow = 22
    decompression_failure = 30
    handshake_failure = 40
    no_certificate = 41
    bad_certificate = 42
    unsupported_certificate = 43
    certificate_revoked = 44
    certificate_expired = 45
    certificate_unknown = 46
    illegal_parameter = 47
    unknown_ca = 48
    access_denied = 49
    decode_error = 50
    decrypt_error = 51
    too_many_cids_requested = 52
    export_restriction = 60
    protocol_version = 70
    insufficient_security = 71
    internal_error = 80
    inappropriate_fallback = 86
    user_canceled = 90
    no_renegotiation = 100
    missing_extension = 109
    unsupported_extension = 110
    certificate_unobtainable = 111
    unrecognized_name = 112
    bad_certificate_status_response = 113
    bad_certificate_hash_value = 114
    unknown_psk_identity = 115
    certificate_required = 116
    general_error = 117
    no_application_protocol = 120
    ech_required = 121


class NamedGroup(IntEnum):
    """RFC 8446 section 4.2.7, and the hybrid groups with ML-KEM."""

    secp256r1 = 23
    secp384r1 = 24
    secp521r1 = 25
    x25519 = 29
    x448 = 30
    ffdhe2048 = 256
    ffdhe3072 = 257
    ffdhe4096 = 258
    ffdhe6144 = 259
    ffdhe8192 = 260
    MLKEM512 = 512
    MLKEM768 = 513
    MLKEM1024 = 514
    SecP256r1MLKEM768 = 4587
    X25519MLKEM768 = 4588
    SecP384r1MLKEM1024 = 4589


class PskKeyExchangeMode(IntEnum):
    """RFC 8446 section 4.2.9."""

    psk_ke = 0
    psk_dhe_ke = 1


#: Number -> (IANA name, hash of the key schedule), RFC 8446 section B.4.
TLS13_CIPHER_SUITES: dict[int, tuple[str, str]] = {
    0x1301: ("TLS_AES_128_GCM_SHA256", "sha256"),
    0x1302: ("TLS_AES_256_GCM_SHA384", "sha384"),
    0x1303: ("TLS_CHACHA20_POLY1305_SHA256", "sha256"),
    0x1304: ("TLS_AES_128_CCM_SHA256", "sha256"),
    0x1305: ("TLS_AES_128_CCM_8_SHA256", "sha256"),
}


def cipher_name(suite: int) -> str | None:
    """The IANA name of a TLS 1.3 cipher suite, None for any other number."""
    return TLS13_CIPHER_SUITES[suite][0] if suite in TLS13_CIPHER_SUITES else None


def cipher_hash(suite: int) -> str | None:
    """The hash of a TLS 1.3 cipher suite ("sha256", "sha384"), None for any other number.

    A TLS 1.3 ticket can be used with any suite of the same hash (RFC 8446
    section 4.6.1).
    """
    return TLS13_CIPHER_SUITES[suite][1] if suite in TLS13_CIPHER_SUITES else None


@lru_cache(maxsize=1024)
def name_of(registry: type[IntEnum], number: int) -> str:
    """The registered name of `number`, or its digits."""
    try:
        return registry(number).name
    except ValueError:
        return str(number)


@lru_cache(maxsize=64)
def version_of(number: int) -> ProtocolVersion | None:
    """`number` as a ProtocolVersion, None if it is none that we know."""
    try:
        return ProtocolVersion(number)
    except ValueError:
        return None
