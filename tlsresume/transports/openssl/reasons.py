"""Why a handshake failed, told by OpenSSL's numbers: its English is for printing only.

A packed error code holds the library and the reason (ERR_GET_LIB(3), ERR_GET_REASON(3) of
OpenSSL 3 and newer). Only reasons that something depends on are here; a test compares the
numbers with the words that the OpenSSL at hand has for them.
"""

from __future__ import annotations

from tlsresume.error_queue import ErrorStack
from tlsresume.transports.failures import FailureReason

#: ERR_LIB_RSA, ERR_LIB_SSL (openssl/err.h).
_RSA, _SSL = 4, 20

#: By library and reason: SSL_R_* (openssl/sslerr.h), RSA_R_* (openssl/rsaerr.h).
NUMBERS: dict[tuple[int, int], FailureReason] = {
    (_SSL, 104): FailureReason.EMS_MISMATCH,  # inconsistent extms
    (_SSL, 134): FailureReason.CERTIFICATE_REFUSED,  # certificate verify failed
    (_SSL, 147): FailureReason.BAD_RECORD_MAC,  # decryption failed
    (_SSL, 149): FailureReason.BAD_RECORD_MAC,  # digest check failed
    (_SSL, 258): FailureReason.VERSION_NOT_ALLOWED,  # unsupported protocol
    (_SSL, 267): FailureReason.WRONG_VERSION,  # wrong version number
    (_SSL, 281): FailureReason.BAD_RECORD_MAC,  # decryption failed or bad record mac
    (_SSL, 294): FailureReason.UNEXPECTED_EOF,  # unexpected eof while reading
    (_SSL, 394): FailureReason.WEAK_KEY,  # dh key too small
    (_SSL, 397): FailureReason.WEAK_KEY,  # ca key too small
    (_SSL, 398): FailureReason.WEAK_KEY,  # ca md too weak
    (_SSL, 399): FailureReason.WEAK_KEY,  # ee key too small
    (_SSL, 1020): FailureReason.BAD_RECORD_MAC,  # alert bad record mac
    (_SSL, 1021): FailureReason.BAD_RECORD_MAC,  # alert decryption failed
    (_RSA, 120): FailureReason.WEAK_KEY,  # key size too small
}

#: X509_V_ERR_EE_KEY_TOO_SMALL, _CA_KEY_TOO_SMALL, _CA_MD_TOO_WEAK (openssl/x509_vfy.h).
WEAK_CERTIFICATES = frozenset({66, 67, 68})

_SYSTEM_ERROR = 1 << 31


def numbers_of(code: int) -> tuple[int, int]:
    """The library and the reason in a packed error code; (2, errno) of a system error."""
    if code & _SYSTEM_ERROR:
        return 2, code & ~_SYSTEM_ERROR
    return code >> 23 & 0xFF, code & 0x7FFFFF


def reason_of(stack: ErrorStack) -> FailureReason | None:
    """The newest reason on an error stack that is known here."""
    known = (NUMBERS.get(numbers_of(entry.code)) for entry in reversed(stack.entries))
    return next((reason for reason in known if reason is not None), None)
