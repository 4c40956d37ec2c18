"""Is a session accepted under another server name, or another protocol?

Only names that the user gives are used: a session shown to another host tells
that host about it.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.experiments.setting import Setting


async def cross_name(setting: Setting, name: str) -> None:
    """Make a session under the target's name, offer it under `name`, with a request."""
    _, session = await setting.full("cross-name")
    if session is None:
        return
    plan = replace(setting.plan, server_name=name, verify_name=name)
    terms = replace(setting.terms, target=replace(setting.terms.target, server_name=name))
    errand = terms.with_answer(terms.errand("cross-name", "offer", setting.mechanism, wait=0.5))
    await setting.lab.connect(setting.route, plan, errand, session)
    control = terms.with_answer(terms.errand("cross-name", "control", setting.mechanism, wait=0.5))
    await setting.lab.connect(setting.route, plan, control)


async def cross_protocol(setting: Setting, protocol: str) -> None:
    """Make a session under the target's ALPN, offer it with `protocol`."""
    _, session = await setting.full("cross-alpn")
    if session is not None:
        plan = replace(setting.plan, alpn=(protocol,))
        await setting.offer("cross-alpn", "offer", session, plan=plan)
