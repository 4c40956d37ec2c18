"""Reasons by OpenSSL's numbers (tlsresume.transports.openssl.reasons)."""

from __future__ import annotations

from OpenSSL import SSL

from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.transports.failures import FailureReason
from tlsresume.transports.openssl.binding import reason_words, verify_message
from tlsresume.transports.openssl.reasons import (
    NUMBERS,
    WEAK_CERTIFICATES,
    numbers_of,
    reason_of,
)

WORDS = {
    FailureReason.BAD_RECORD_MAC: ("mac", "decryption failed", "digest check"),
    FailureReason.EMS_MISMATCH: ("extms",),
    FailureReason.WRONG_VERSION: ("wrong version",),
    FailureReason.VERSION_NOT_ALLOWED: ("unsupported protocol",),
    FailureReason.WEAK_KEY: ("too small", "too weak"),
    FailureReason.CERTIFICATE_REFUSED: ("certificate verify failed",),
    FailureReason.UNEXPECTED_EOF: ("unexpected eof",),
}


def test_each_number_is_the_reason_that_openssl_has_under_it():
    """The OpenSSL at hand has words of the same meaning for every number of the table."""
    SSL.Context(SSL.TLS_METHOD)  # loads the words
    for (library, number), reason in NUMBERS.items():
        words = reason_words(library << 23 | number)
        assert any(word in words for word in WORDS[reason]), (library, number, words)
    for code in WEAK_CERTIFICATES:
        assert "too weak" in verify_message(code)


def test_the_newest_known_reason_counts_and_words_do_not():
    """A reason is read from the code alone, the newest entry first; system errors are none."""
    entries = [
        ErrorEntry("SSL routines", "whatever", 20 << 23 | 104),
        ErrorEntry("SSL routines", "inconsistent extms", 20 << 23 | 281),
        ErrorEntry("SSL routines", "inconsistent extms", 20 << 23 | 1),
        ErrorEntry("system library", "broken pipe", 1 << 31 | 104),
    ]
    assert reason_of(ErrorStack("SSL_read", "-1", tuple(entries))) is FailureReason.BAD_RECORD_MAC
    assert reason_of(ErrorStack("SSL_read", "-1", ())) is None
    assert numbers_of(1 << 31 | 104) == (2, 104)
