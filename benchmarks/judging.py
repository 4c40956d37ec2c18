"""CPU of judging one mechanism's evidence, against the number of attempts.

Each figure is the least of three runs over evidence of tries of all endings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from measure import table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.evidence import PORT
from tests.test_evidence import long_story, slow_is_spoiled
from tlsresume.diagnosis.judge import judge, wanted
from tlsresume.diagnosis.summary import summarise_address
from tlsresume.diagnosis.view import make_view
from tlsresume.evidence.evidence import Evidence

_ATTEMPTS_A_ROUND = 5


def least_ms(work: Callable[[], object]) -> float:
    """The least CPU of three runs, in milliseconds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best * 1000


def row(attempts: int) -> tuple[float, ...]:
    """What evidence of so many attempts costs: see the columns."""
    story = long_story("session-id", "a", attempts // _ATTEMPTS_A_ROUND)
    journal = list(story.journal)
    whole = Evidence(journal)

    def judged() -> None:
        view = make_view(whole, story.address, PORT, story.mechanism)
        wanted(view)
        judge([view])

    return (
        least_ms(lambda: [slow_is_spoiled(attempt, journal) for attempt in journal]),
        least_ms(lambda: Evidence(journal).counted),
        least_ms(judged),
        least_ms(lambda: summarise_address(story.address, 443, whole)),
    )


def report() -> str:
    """Measure, and tell in Markdown."""
    head = ("attempts", "counted, until 0.1", "counted", "judged", "summarised")
    rows = [
        (f"{attempts:,}", *(f"{value:.1f} ms" for value in row(attempts)))
        for attempts in (400, 800, 1600)
    ]
    told = (
        "CPU for the evidence of one mechanism on one address: which attempts count, by a look at"
        " every pair\n(as until 0.1, and that for each question), and as now, once per revision"
        " of the evidence; all rules,\nasked twice; the summary. Goal: linear; a test counts the"
        " steps.\n\n"
    )
    return told + table(head, rows)
