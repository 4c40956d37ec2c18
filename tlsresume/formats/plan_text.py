"""What `probe --plan` tells people: what would be run, why, and how much of it."""

from __future__ import annotations

from tlsresume.formats.page import FAINT, STRONG, Page, View, pad
from tlsresume.results.plan import Plans, TargetPlan

_NAME = 16
_COUNT = 5


def render_plans(plans: Plans, view: View) -> str:
    """The plan of each target."""
    page = Page(view)
    for number, plan in enumerate(plans.plans):
        if number:
            page.line()
        _put_plan(page, plan)
    return page.render()


def _put_plan(page: Page, plan: TargetPlan) -> None:
    where = "" if plan.connect is None else f" at {plan.connect}"
    page.line((plan.target, STRONG), f"{where}  ", ("PLAN", STRONG), "  nothing was connected to")
    for limit in plan.limits:
        page.prose(limit, first="  ")
    for stage in plan.stages:
        page.line()
        page.line((stage.title, STRONG))
        page.prose(stage.when, first="  ", text_style=FAINT)
        page.line((f"  {'connections':>{_NAME + _COUNT - 2}}  {stage.each}", FAINT))
        for step in stage.steps:
            lead = pad(f"  {step.name}", _NAME) + f"{step.connections:>{_COUNT}}  "
            page.prose(step.question, first=lead)
        total = sum(step.connections for step in stage.steps)
        if stage.title == "First round":
            page.line(pad("  together", _NAME) + f"{total:>{_COUNT}}")
