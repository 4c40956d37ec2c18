"""Causes that other clients meet: that they cannot occur here, by design."""

from __future__ import annotations

import pytest

from tests.helpers.pair import Peer, config_for
from tlsresume.findings.catalogue import IMPOSSIBLE
from tlsresume.sessions.session import Session
from tlsresume.transports.openssl.contexts import context_for


@pytest.fixture(params=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_these_are_all() -> None:
    """Each cause that has a page and no rule is tested here."""
    codes = {each.code for each in IMPOSSIBLE}
    assert codes == {"marked-not-resumable", "context-mismatch", "already-used"}


def test_a_session_outlives_a_connection_that_was_freed_without_shutdown(version: str) -> None:
    """marked-not-resumable: the mark that SSL_free leaves is not on what was kept."""
    peer = Peer(forget_on_unclean_close=False)
    config = config_for(version)
    with peer.pair(config) as pair:
        pair.start()
        session = pair.client.sessions[-1]
        pair.client.release()
    assert peer.connect(config, session).session_reused is True


def test_a_session_outlives_a_fatal_alert(version: str) -> None:
    """marked-not-resumable: nor the one that a failure after the ticket leaves."""
    peer = Peer(forget_on_unclean_close=False)
    config = config_for(version)
    with peer.pair(config) as pair:
        pair.start()
        session = pair.client.sessions[-1]
        pair.client.receive(b"\x17\x03\x03\x00\x20" + bytes(32))
        pair.run()
        assert pair.client.failure is not None
    assert peer.connect(config, session).session_reused is True


def test_a_session_fits_every_context(version: str) -> None:
    """context-mismatch: a session is read anew, so connections of other Contexts offer it."""
    peer = Peer()
    session = peer.connect(config_for(version)).sessions[-1]
    part = {"1.2": "ciphers", "1.3": "ciphersuites"}[version]
    other = config_for(version, **{part: session.fields.cipher_name})
    assert context_for(other) is not context_for(config_for(version))
    assert peer.connect(other, session).session_reused is True
    copy = Session.from_der(session.data)
    assert peer.connect(config_for(version), copy).session_reused is True


def test_a_session_is_offered_as_often_as_asked(version: str) -> None:
    """already-used: OpenSSL has no single-use policy of its own."""
    peer = Peer()
    config = config_for(version)
    session = peer.connect(config).sessions[0]
    offered = [peer.connect(config, session).transcript.offered for _ in range(3)]
    assert None not in offered
    assert len(set(offered)) == 1
