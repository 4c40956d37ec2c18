"""What holds evidence, and for how long."""

from __future__ import annotations

import gc
import weakref

from tests.helpers.trials import trial
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import Tries
from tlsresume.results.connection import Failure
from tlsresume.transports.config import ClientConfig


def test_evidence_goes_with_its_last_reference_though_its_parts_were_asked_for() -> None:
    """Evidence whose parts share its key names is freed at once, without the collector."""
    gc.disable()
    try:
        refused = Failure("connect", "refused", "refused")
        told = trial(
            n=1,
            time=0.0,
            address="192.0.2.1",
            port=443,
            purpose=Tries.FULL,
            config=ClientConfig(),
            error=refused,
        )
        whole = Evidence([told])
        part = whole.at(whole[0].address)
        assert len(part) == 1
        assert part.naming is whole.naming
        gone = weakref.ref(whole)
        del whole
        assert gone() is None
    finally:
        gc.enable()
