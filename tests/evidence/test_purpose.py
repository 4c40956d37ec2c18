"""Purposes without parameters."""

from __future__ import annotations

import copy
import pickle

from tests.helpers.purposes import purpose_of
from tlsresume.evidence.purpose import Role
from tlsresume.evidence.purposes import Control, Tries


def test_each_purpose_is_one_object():
    """A purpose is itself and no other, also after it was copied or came from another process;
    it is of its experiment's type, and knows its words."""
    assert purpose_of("tries", "full") is Tries.FULL
    assert (Tries.FIXED.series, Tries.FIXED.role) == ("fixed", Role.SUBJECT)
    assert Control.OFFER.role is Role.ASIDE
    assert len({Tries.FULL, Control.FULL, Tries.FIXED}) == 3
    assert Tries.FULL.is_any(Control, Tries.FULL)
    assert not Tries.FULL.is_any(Control, Tries.FIXED)
    for same in (copy.deepcopy(Tries.FULL), pickle.loads(pickle.dumps(Tries.FULL))):
        assert same is Tries.FULL
    assert repr(Tries.FULL) == "Tries.FULL"
