"""What the built-in server's connections share: an identity, and Contexts made from a
Behaviour, by either of two libraries. A Context is also a set of ticket keys and a cache.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from tlsresume.server.behaviour import EARLY_DATA, Behaviour
from tlsresume.transports.openssl.binding import set_max_early_data
from tlsresume.transports.openssl.binding_server import OP_NO_ANTI_REPLAY
from tlsresume.value import Value

_CURVES: dict[str, ec.EllipticCurve] = {
    curve.name: curve for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
}


class Identity(Value, frozen=True):
    """A certificate chain, leaf first, and the leaf's key; both PEM."""

    certificate_pem: bytes
    key_pem: bytes

    def __repr__(self) -> str:
        return f"Identity({len(self.certificate_pem)} bytes of certificates)"


def self_signed() -> Identity:
    """A fresh P-256 key and its certificate for localhost, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def pyopenssl_context(
    behaviour: Behaviour, certificate: Path, key: Path, client_ca: Path | None = None
) -> SSL.Context:
    """One node's Context in pyOpenSSL. `client_ca`: a PEM file of those that may sign the
    clients' certificates; without it any certificate will do.

    Raises SSL.Error where a file is not what it should be.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    versions = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
    context.set_min_proto_version(min(versions[name] for name in behaviour.versions))
    context.set_max_proto_version(max(versions[name] for name in behaviour.versions))
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(key))
    context.set_session_cache_mode(
        SSL.SESS_CACHE_SERVER if behaviour.session_ids else SSL.SESS_CACHE_OFF
    )
    if behaviour.session_id_context:
        context.set_session_id(b"tlsresume")
    if behaviour.stateful or not behaviour.tickets:
        context.set_options(SSL.OP_NO_TICKET)
    if behaviour.lifetime is not None:
        context.set_timeout(behaviour.lifetime)
    if behaviour.early_data or behaviour.single_use:
        set_max_early_data(context, behaviour.early_data or EARLY_DATA)
    if not behaviour.single_use:
        context.set_options(OP_NO_ANTI_REPLAY)
    if behaviour.client_certificate or behaviour.require_client_certificate:
        mode = SSL.VERIFY_PEER
        if behaviour.require_client_certificate:
            mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        if client_ca is None:
            context.set_verify(mode, lambda *_: True)
        else:
            context.load_verify_locations(str(client_ca))
            context.load_client_ca(str(client_ca).encode())
            context.set_verify(mode)
    if behaviour.ciphers is not None:
        context.set_cipher_list(behaviour.ciphers.encode())
    if behaviour.group is not None:
        context.set_tmp_ecdh(_CURVES[behaviour.group])
    if behaviour.alpn:
        ours = tuple(name.encode() for name in behaviour.alpn)
        context.set_alpn_select_callback(
            lambda _, theirs: next(
                (name for name in ours if name in theirs), SSL.NO_OVERLAPPING_PROTOCOLS
            )
        )
    return context


def stdlib_context(behaviour: Behaviour, certificate: Path, key: Path) -> ssl.SSLContext:
    """One node's Context in the stdlib."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    context.minimum_version = min(versions[name] for name in behaviour.versions)
    context.maximum_version = max(versions[name] for name in behaviour.versions)
    context.load_cert_chain(certificate, key)
    if behaviour.stateful or not behaviour.tickets:
        context.options |= ssl.OP_NO_TICKET
    if behaviour.tls13_tickets is not None:
        context.num_tickets = behaviour.tls13_tickets
    if behaviour.ciphers is not None:
        context.set_ciphers(behaviour.ciphers)
    if behaviour.group is not None:
        context.set_ecdh_curve(behaviour.group)
    if behaviour.alpn:
        context.set_alpn_protocols(list(behaviour.alpn))
    return context
