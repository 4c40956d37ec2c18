"""Contexts: shared where they may be, refused with a reason, and the key log."""

from __future__ import annotations

import gc
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.helpers import certificates
from tests.helpers.pair import Peer, config_for
from tlsresume.errors import FileError, UsageError
from tlsresume.transports.config import ClientCertificate, ClientConfig, Trust
from tlsresume.transports.openssl import contexts
from tlsresume.transports.openssl.contexts import context_for


@pytest.fixture(autouse=True)
def _fresh_cache():
    contexts._context.cache_clear()
    yield
    contexts._context.cache_clear()


def test_contexts_are_shared_by_what_openssl_fixes():
    """What is set per connection shares a Context; ciphers, trust and so on do not."""
    config = ClientConfig()
    same = [
        ClientConfig(server_name="a"),
        ClientConfig(tickets=False),
        ClientConfig(groups="X25519"),
        ClientConfig(alpn=("x",)),
    ]
    assert all(context_for(other) is context_for(config) for other in same)
    others = [
        ClientConfig(ciphers="AES128-SHA"),
        ClientConfig(ciphersuites="TLS_AES_128_GCM_SHA256"),
        ClientConfig(trust=Trust(capath="/")),
    ]
    made = {id(context_for(other)) for other in [config, *others]}
    assert len(made) == 4


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_the_cache_is_bounded(tmp_path):
    """However many plans there are, few Contexts stay, and few key log files open."""
    before = open_files()
    for n in range(40):
        context_for(ClientConfig(keylogfile=str(tmp_path / f"{n}.log")))
    gc.collect()
    assert contexts._context.cache_info().currsize <= 16
    assert open_files() - before <= 17
    contexts._context.cache_clear()
    gc.collect()
    assert open_files() <= before


@pytest.mark.parametrize(
    ("config", "call"),
    [
        (ClientConfig(ciphers="NO-SUCH"), "SSL_CTX_set_cipher_list"),
        (ClientConfig(ciphers="\N{SNOWMAN}"), "SSL_CTX_set_cipher_list"),
        (ClientConfig(ciphersuites="NO_SUCH"), "SSL_CTX_set_ciphersuites"),
    ],
)
def test_a_refused_list_is_a_usage_error(config, call):
    """OpenSSL's refusal names the call, its reasons, and what would be right."""
    with pytest.raises(UsageError) as caught:
        context_for(config)
    assert caught.value.stack is not None
    assert caught.value.stack.call == call
    assert caught.value.hints


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_cafile_that_cannot_be_used_is_named(tmp_path, content):
    """Missing, empty or wrong: a FileError with the path."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        context_for(ClientConfig(trust=Trust(cafile=str(path))))
    assert caught.value.path == str(path)


def write_identity(folder: Path, identity) -> ClientCertificate:
    certificate, key = folder / "c.pem", folder / "k.pem"
    certificate.write_bytes(identity.certificate_pem)
    key.write_bytes(identity.key_pem)
    return ClientCertificate(str(certificate), str(key))


def test_a_client_certificate_is_used(tmp_path, tls_version):
    """A server that asks gets the certificate, and can resume the session that holds it."""
    own = write_identity(tmp_path, certificates.client())
    peer = Peer(client_certificate=True)
    config = config_for(tls_version, certificate=own)
    full = peer.connect(config)
    assert full.established
    assert full.transcript.certificate_request is not None
    assert peer.connect(config, full.sessions[-1]).session_reused is True


@pytest.mark.parametrize("broken", ["certificate", "key", "pair", "missing"])
def test_a_client_certificate_that_cannot_be_used_is_named(tmp_path, broken):
    """The FileError has the path of the file that is at fault."""
    own = write_identity(tmp_path, certificates.client())
    path = Path(own.key if broken != "certificate" else own.certificate)
    if broken == "missing":
        path.unlink()
    else:
        path.write_bytes(certificates.localhost().key_pem if broken == "pair" else b"junk")
    with pytest.raises(FileError) as caught:
        context_for(ClientConfig(certificate=own))
    assert caught.value.path == str(path)


def encrypted(identity, passphrase: bytes):
    key = serialization.load_pem_private_key(identity.key_pem, None)
    protection = serialization.BestAvailableEncryption(passphrase)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    return replace(identity, key_pem=pem)


@pytest.mark.parametrize(
    ("is_encrypted", "given", "words"),
    [
        (True, b"right", None),
        (True, b"wrong", "does not fit"),
        (True, None, "is encrypted"),
        (True, b"", "is encrypted"),
        (False, b"needless", None),
    ],
)
def test_the_passphrase_of_a_key(tmp_path, is_encrypted, given, words):
    """The right passphrase opens a key, a needless one does no harm, others are told apart."""
    identity = certificates.client()
    own = write_identity(tmp_path, encrypted(identity, b"right") if is_encrypted else identity)
    config = ClientConfig(certificate=replace(own, passphrase=given))
    if words is None:
        context_for(config)
        return
    with pytest.raises(FileError) as caught:
        context_for(config)
    assert words in caught.value.message
    assert caught.value.path == own.key
    assert caught.value.hints


def test_the_passphrase_is_not_shown():
    """A ClientCertificate can be logged."""
    assert "secret" not in repr(ClientCertificate("c", "k", b"secret"))


# ----------------------------------------------------------------------- key log


def test_secrets_are_appended_to_a_private_file(tmp_path, tls_version):
    """The key log is 0600, keeps what it had, and gets each connection's secrets."""
    path = tmp_path / "keys.log"
    peer = Peer()
    config = config_for(tls_version, keylogfile=str(path))
    old = os.umask(0)
    try:
        peer.connect(config)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text(encoding="ascii")
    assert first.startswith("CLIENT_RANDOM" if tls_version == "1.2" else "SERVER_HANDSHAKE")
    peer.connect(config)
    second = path.read_text(encoding="ascii")
    assert second.startswith(first)
    assert second.count("\n") == 2 * first.count("\n")
    assert all(len(line.split(" ")) == 3 for line in second.splitlines())


def test_two_contexts_share_one_file(tmp_path):
    """Contexts that log to the same file do not overwrite each other."""
    path = tmp_path / "keys.log"
    peer = Peer()
    plans = [
        config_for("1.2", keylogfile=str(path)),
        config_for("1.2", keylogfile=str(path), ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
    ]
    for config in plans * 2:
        peer.connect(config)
    assert len(set(path.read_text(encoding="ascii").splitlines())) == 4


def test_a_key_log_that_cannot_be_opened_is_named(tmp_path):
    """A folder is no key log."""
    with pytest.raises(FileError) as caught:
        context_for(ClientConfig(keylogfile=str(tmp_path)))
    assert caught.value.path == str(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_the_key_log_is_told(tls_version, capfd):
    """A key log that cannot be written ends the handshake with a FileError, without noise."""
    with pytest.raises(FileError) as caught:
        Peer().connect(config_for(tls_version, keylogfile="/dev/full"))
    assert caught.value.path == "/dev/full"
    assert capfd.readouterr() == ("", "")
