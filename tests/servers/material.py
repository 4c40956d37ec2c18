"""Keys, certificates and ticket keys, made anew for each run.

Everything here is thrown away with the run's temporary folder. Ticket key files are
random bytes, so that a key name seen on the wire can only come from that file.
"""

from __future__ import annotations

import base64
import os
import struct
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

#: The first bytes of a ticket key, and of a ticket (RFC 5077 section 4).
KEY_NAME_LENGTH = 16

DAY = 86400


@dataclass(frozen=True, slots=True)
class Material:
    """Files by the name that a configuration uses for them, and the key names inside."""

    files: dict[str, Path]
    key_names: dict[str, str]

    def fill(self, line: str) -> str:
        """A line of configuration with each `{name}` replaced by the path of that file."""
        for name, path in self.files.items():
            line = line.replace("{" + name + "}", str(path))
        return line


def make_material(folder: Path) -> Material:
    """Write a CA, two server certificates and a client's with keys, and ticket keys into a folder."""
    authority = trustme.CA()
    files = {"ca": folder / "ca.pem"}
    authority.cert_pem.write_to_path(str(files["ca"]))
    for name in ("certificate", "other_certificate", "client_certificate"):
        leaf = authority.issue_cert("127.0.0.1", "localhost", "resume.test")
        files[name] = folder / f"{name}.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(str(files[name]))

    files["renewed_certificate"] = folder / "renewed_certificate.pem"
    files["renewed_certificate"].write_bytes(renewed(authority, files["certificate"].read_bytes()))

    key_names = {}
    for name, length in (("stek48", 48), ("stek80", 80), ("other_stek48", 48)):
        key = os.urandom(length)
        files[name] = folder / name
        files[name].write_bytes(key)
        key_names[name] = key[:KEY_NAME_LENGTH].hex()

    for name, age in (("stek_lighttpd", 60), ("stek_expired", 2 * DAY)):
        key = os.urandom(80)
        made = int(time.time()) - age
        files[name] = folder / name
        files[name].write_bytes(struct.pack("=III", 0, made, made + DAY) + key)
        key_names[name] = key[:KEY_NAME_LENGTH].hex()

    files["stek_ats"] = folder / "stek_ats"
    files["stek_ats"].write_bytes(several := os.urandom(2 * 48))
    key_names["stek_ats"] = several[:KEY_NAME_LENGTH].hex()

    lines = [os.urandom(80) for _ in range(3)]
    files["stek_lines"] = folder / "stek_lines"
    files["stek_lines"].write_text("".join(f"{base64.b64encode(key).decode()}\n" for key in lines))
    # HAProxy encrypts with the penultimate key of the file.
    key_names["stek_lines"] = lines[-2][:KEY_NAME_LENGTH].hex()
    return Material(files, key_names)


def renewed(authority: trustme.CA, pem: bytes) -> bytes:
    """The certificate again: the same key and names, with another serial number and later dates."""
    old = x509.load_pem_x509_certificate(pem)
    key = serialization.load_pem_private_key(pem, None)
    issuer = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(issuer, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=old.not_valid_before_utc + timedelta(days=1),
        not_valid_after=old.not_valid_after_utc + timedelta(days=1),
        extensions=list(old.extensions),
    )
    return b"".join(
        (
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
            builder.sign(issuer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        )
    )
