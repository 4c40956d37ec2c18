"""What a probe of an FTP server asks of data connections (see `runs.follow_up.FollowUp`)."""

from __future__ import annotations

from typing import Any

from tlsresume.errors import BudgetSpent
from tlsresume.evidence.evidence import Evidence
from tlsresume.features.ftps.summary import ftp_data
from tlsresume.lab import Route
from tlsresume.options import ProbeOptions
from tlsresume.results.measured import AddressResult
from tlsresume.results.plan import Stage, Step
from tlsresume.runs.follow_up import Round
from tlsresume.targets.target import Target


async def measure(run: Round, address: AddressResult) -> None:
    """One mechanism of each version, as an ordinary client has it."""
    if run.target_setup.target.protocol.name != "ftp":
        return
    if run.options.quick:
        run.note("FTPS data connections", "--quick", "other")
        return
    # Any probe asks here, and only those of FTP come this far.
    from tlsresume.features.ftps.data_connections import FTPSetup, cost, data_connections

    for result in address.mechanisms:
        if not result.judged:
            continue
        setup = FTPSetup(
            lab=run.lab,
            route=Route(address.address, address.port, transport=address.transport),
            target_setup=run.target_setup,
            mechanism=result.mechanism,
            login=run.options.ftp,
            tries=run.options.tries,
            issued=result.state != "not-issued",
        )
        what = f"FTPS data connections of {result.tls_version} on {address.address}"
        price, left = cost(setup.tries, issued=setup.issued), run.lab.budget.left
        if price > left:
            run.note(what, f"{price} connections, over the {left} left of the budget")
            continue
        run.progress(f"{what}: up to {price} connections")
        try:
            why = await data_connections(setup)
        except BudgetSpent as spent:
            # Other addresses may have taken what was left.
            run.note(what, spent.message)
            continue
        if why is not None:
            run.note(what, why, "other")


def stage(target: Target, options: ProbeOptions) -> Stage | None:
    """What `measure` does, for `--plan`."""
    if target.protocol.name != "ftp":
        return None
    tries = options.tries
    logins = f"{tries} listings in one login"
    return Stage(
        title="FTPS data connections",
        when="for each TLS version; where no session is issued, only without one",
        each="per address and TLS version",
        steps=(
            Step(name="fresh", question=f"{logins}, a fresh session each", connections=tries + 1),
            Step(name="same", question=f"{logins}, one session for all", connections=tries + 1),
            Step(name="none", question="does one listing need a session?", connections=2),
        ),
    )


def summary(trials: Evidence) -> dict[str, Any]:
    """What a report says of the data connections of an address."""
    return {"ftp_data": ftp_data(trials)}
