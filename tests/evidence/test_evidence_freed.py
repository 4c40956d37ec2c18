"""What holds evidence, and for how long."""

from __future__ import annotations

import gc
import weakref

from tlsresume.evidence.evidence import Evidence


def test_evidence_goes_with_its_last_reference_though_its_parts_were_asked_for() -> None:
    """Evidence whose parts share its key names is freed at once, without the collector."""
    gc.disable()
    try:
        whole = Evidence()
        part = whole.at("192.0.2.1")
        assert part.naming is whole.naming
        vars(whole)["_by_address"] = {"192.0.2.1": part}
        gone = weakref.ref(whole)
        del whole
        assert gone() is None
    finally:
        gc.enable()
