"""Whether a certificate is for a name, by OpenSSL's own rules (X509_check_host(3)).

The bindings have no X509_check_host, so the certificate is verified against itself as
the only trusted one, with the name as a parameter and the dates left out: what is then
wrong is the name. OpenSSL is loaded with the first question, since what only reads the
rules (`tlsresume explain`) asks none.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from cryptography import x509

#: X509_V_FLAG_NO_CHECK_TIME and X509_V_FLAG_PARTIAL_CHAIN (X509_VERIFY_PARAM_set_flags(3));
#: the bindings lack the first.
_NO_CHECK_TIME, _PARTIAL_CHAIN = 0x200000, 0x80000

#: X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_MISMATCHES = frozenset({62, 64})


def covers(der: bytes, name: str) -> bool | None:
    """Whether a certificate (DER) is for a DNS name or an IP address; None where it, or the
    name, cannot be read."""
    from OpenSSL import crypto

    try:
        # Read by both: one is strict, the other asks. Handed from one to the other, it would be
        # written anew, which imports all the formats of keys.
        x509.load_der_x509_certificate(der)
        certificate = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
        store = crypto.X509Store()
        store.add_cert(certificate)
        if not _ask_for(store, name):
            return None
        crypto.X509StoreContext(store, certificate).verify_certificate()
    except crypto.X509StoreContextError as error:
        return error.errors[0] not in _MISMATCHES
    except (ValueError, TypeError, crypto.Error, x509.InvalidVersion):
        return None
    return True


def _ask_for(store: Any, name: str) -> bool:
    """Make the verifications of an X509Store ask for a name, and for nothing of the time."""
    from OpenSSL import SSL

    _lib: Any = SSL._lib  # type: ignore[attr-defined]  # private: the bindings themselves
    _ffi: Any = SSL._ffi  # type: ignore[attr-defined]  # private: the bindings themselves
    parameters = _ffi.gc(_lib.X509_VERIFY_PARAM_new(), _lib.X509_VERIFY_PARAM_free)
    _lib.X509_VERIFY_PARAM_set_flags(parameters, _NO_CHECK_TIME | _PARTIAL_CHAIN)
    try:
        packed = ipaddress.ip_address(name.partition("%")[0]).packed
    except ValueError:
        raw = name.encode("ascii")
        good = _lib.X509_VERIFY_PARAM_set1_host(parameters, raw, len(raw))
    else:
        good = _lib.X509_VERIFY_PARAM_set1_ip(parameters, packed, len(packed))
    store_pointer: Any = store._store  # private: the X509_STORE
    return bool(good == 1 and _lib.X509_STORE_set1_param(store_pointer, parameters) == 1)
