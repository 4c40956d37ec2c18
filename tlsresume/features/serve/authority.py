"""Certificates made at run time: an authority, and leaves that it signs.

The authority may sign for the names of the run only (name constraints), so that a device
which trusts it once trusts nothing else by it. The extension is not critical: embedded TLS
libraries that do not know it would refuse the authority, and those that know it obey anyway.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tlsresume.errors import FileError
from tlsresume.files import read_bounded, write_atomically
from tlsresume.server.contexts import Identity

#: A host name in ASCII, or a wildcard in the place of its first label.
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: The files of `--ca DIR`.
CERTIFICATE, KEY = "ca.pem", "ca-key.pem"
#: Days that an authority and its leaves are good for. Apple's clients allow a leaf 825.
_AUTHORITY_DAYS, _LEAF_DAYS = 730, 90
#: A file of a certificate or key that is larger is none.
_MOST = 1 << 20


class Authority:
    """A certificate authority: its certificate, and the key that signs for it."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    @property
    def certificate_pem(self) -> bytes:
        """What clients are given to trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, not encrypted."""
        return _key_pem(self._key)

    def issue(self, names: Sequence[str]) -> Identity:
        """A fresh leaf for DNS names and IP addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(names[0], self.certificate.subject, key, _LEAF_DAYS)
            .add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return Identity(leaf.public_bytes(serialization.Encoding.PEM), _key_pem(key))

    def permits(self, name: str) -> bool:
        """Whether its name constraints allow a leaf for a name."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        except x509.ExtensionNotFound:
            return True
        permitted = found.value.permitted_subtrees or []
        address = as_address(name)
        for each in permitted:
            value = each.value
            if address is None and isinstance(value, str):
                if name == value or name.endswith("." + value):
                    return True
            elif address is not None and not isinstance(value, str) and address in value:
                return True
        return False


def make_authority(names: Sequence[str]) -> Authority:
    """A fresh authority, that may sign for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    title = f"tlsresume test authority {x509.random_serial_number() & 0xFFFFFF:06x}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    certificate = (
        _builder(title, subject, key, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=_subtrees(names), excluded_subtrees=None),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def kept_authority(folder: Path, names: Sequence[str]) -> Authority:
    """The authority of a folder, made there at the first time; its key has mode 0600.

    Raises FileError where its files cannot be used, or it may not sign for one of the names.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not certificate.exists() and not key.exists():
        made = make_authority(names)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make {folder}: {error.strerror}", path=str(folder)) from None
        write_atomically(str(key), made.key_pem, force=False, mode=0o600)
        write_atomically(str(certificate), made.certificate_pem, force=False, mode=0o644)
        return made
    kept = Authority(read_certificate(certificate), _read_key(key))
    if kept.certificate.public_key() != kept._key.public_key():  # noqa: SLF001  our own class
        raise FileError(f"{key} is not the key of {certificate}", path=str(key))
    if kept.certificate.not_valid_after_utc < dt.datetime.now(dt.UTC):
        raise FileError(
            f"the authority in {folder} ended on {kept.certificate.not_valid_after_utc:%Y-%m-%d}",
            path=str(certificate),
            hints=("remove the folder to have a new one made",),
        )
    for name in names:
        if not kept.permits(name):
            raise FileError(
                f"the authority in {folder} may not sign for {name}",
                path=str(certificate),
                hints=("an authority is for the names it was made with: use another folder",),
            )
    return kept


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises FileError."""
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError:
        raise FileError(f"{path} holds no certificate in PEM", path=str(path)) from None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FileError(f"{path} holds no elliptic-curve key in PEM", path=str(path))
    return key


def read_identity(certificate: Path, key: Path) -> Identity:
    """A chain and its key from PEM files. Raises FileError where they do not fit together."""
    leaf = read_certificate(certificate)
    try:
        private = serialization.load_pem_private_key(_read(key), None)
    except TypeError:
        raise FileError(f"the key in {key} is encrypted", path=str(key)) from None
    except ValueError:
        raise FileError(f"{key} holds no private key in PEM", path=str(key)) from None
    if private.public_key() != leaf.public_key():
        raise FileError(f"{key} is not the key of {certificate}", path=str(key))
    return Identity(_read(certificate), _read(key))


def _read(path: Path) -> bytes:
    data, _ = read_bounded(str(path), _MOST, FileError)
    if len(data) > _MOST:
        raise FileError(f"{path} is too large for a certificate or key", path=str(path))
    return data


def as_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name is, None for a DNS name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """DNS names and IP addresses as a certificate names them. Raises ValueError."""
    found: list[x509.GeneralName] = []
    for name in names:
        address = as_address(name)
        if address is None and not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is neither a host name nor an address")
        found.append(x509.DNSName(name) if address is None else x509.IPAddress(address))
    return found


def _subtrees(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        address = as_address(name)
        if address is None:
            found.append(x509.DNSName(name.removeprefix("*.")))
        else:
            found.append(x509.IPAddress(ipaddress.ip_network(address)))
    return found


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(
    title: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )
