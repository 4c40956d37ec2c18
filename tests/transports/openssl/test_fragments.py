"""transports/openssl/binding_fragments.py: a session with max_fragment_length is offered with it."""

from __future__ import annotations

import pytest

from tests.helpers.pair import Peer, config_for
from tlsresume.runs.usability import unsupported_here
from tlsresume.sessions.session import Session
from tlsresume.transports.openssl import binding_fragments
from tlsresume.transports.openssl.binding_fragments import MODES, can_ask


@pytest.mark.parametrize("length", MODES)
def test_a_session_resumes_with_its_fragment_length(tls_version, length):
    """What was made with the extension says so, resumes with it, and not without it."""
    assert can_ask()
    peer = Peer()
    config = config_for(tls_version, max_fragment_length=length)
    full = peer.connect(config)
    assert full.failure is None
    session = full.sessions[-1]
    assert session.fields.max_fragment_length == length
    resumed = peer.connect(config, session)
    assert (resumed.session_reused, resumed.failure) == (True, None)
    without = peer.connect(config_for(tls_version), session)
    assert without.failure is not None
    plain = peer.connect(config_for(tls_version))
    assert plain.sessions[-1].fields.max_fragment_length is None


def test_without_support_the_session_is_not_usable_here(monkeypatch):
    """Where this OpenSSL cannot ask, that is the reason, and s_client is named."""
    config = config_for("1.3", max_fragment_length=1024)
    session = Peer().connect(config).sessions[-1]
    assert unsupported_here(session) is None
    monkeypatch.setattr(binding_fragments, "can_ask", lambda: False)
    kind, words = unsupported_here(Session("openssl-der", session.data)) or ("", "")
    assert kind == "fragments"
    assert "openssl s_client -maxfraglen 1024" in words


def test_nothing_is_written_where_the_byte_is_not_certain(monkeypatch):
    """A structure that looks otherwise than known is left alone."""
    monkeypatch.setattr(binding_fragments, "_NO_STATUS", b"\0\0\0\0")
    monkeypatch.setattr(binding_fragments, "_exported", lambda: None)
    monkeypatch.setattr(binding_fragments, "_offset", binding_fragments._offset.__wrapped__)
    assert not can_ask()
