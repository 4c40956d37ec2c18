"""What each check needs to see, and that nothing is concluded from what was not seen."""

from __future__ import annotations

from tests.helpers.blind import blind
from tests.helpers.causes import ROWS
from tlsresume.evidence.observation import Part
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.judge import matches, not_visible
from tlsresume.findings.rules import Rule

#: What bytes, a server and a client can all show.
OBSERVED = Part.OUTCOME | Part.TICKETS | Part.CERTIFICATE | Part.ENDING


def test_checks_read_no_more_than_they_need() -> None:
    """Where a source shows what a check needs and nothing else, the check says the same as where
    everything is visible."""
    wrong = []
    by_needs: dict[Part, list[Rule]] = {}
    for rule in RULES:
        by_needs.setdefault(rule.needs, []).append(rule)
    for row in ROWS:
        view = row.story().view()
        # A file tells more of its session, and an experiment of ours more of early data, than
        # any source does.
        more = view.saved is not None or view.early is not None
        for needs, rules in by_needs.items():
            if more and Part.PURPOSE not in needs:
                continue
            unseen = blind(view, needs)
            for rule in rules:
                whole, less = rule.match(view), rule.match(unseen)
                if whole is None and Part.PURPOSE not in needs:
                    continue  # an experiment's own connections look like others there
                told = [m and (m.proven, m.severity, m.title) for m in (whole, less)]
                if told[0] != told[1]:
                    wrong.append(f"{rule.code} on {row}: {told}")
    assert not wrong, "\n".join(wrong)


def test_a_check_is_not_asked_where_what_it_needs_is_unseen() -> None:
    """Each check that needs an unseen part is silent and listed, with the part; others are not."""
    for row in {row.code: row for row in ROWS}.values():
        view = row.story().view()
        seen = {judged.rule.code for judged in matches(view)}
        assert not_visible(view) == ()
        for part in {part for rule in RULES if rule.code in seen for part in rule.needs}:
            unseen = blind(view, view.visible & ~part)
            listed = {each.code: each.parts for each in not_visible(unseen)}
            of_it = {r.code for r in RULES if part in r.needs and view.mechanism in r.mechanisms}
            assert listed == dict.fromkeys(of_it, part)
            assert not {judged.rule.code for judged in matches(unseen)} & of_it


def test_every_check_needs_something() -> None:
    """No check of views claims to need nothing, and some need nothing but what any source can
    show."""
    assert all(bool(rule.needs) is (rule.check is not None) for rule in RULES)
    assert sum(rule.needs in OBSERVED for rule in RULES if rule.check is not None) > 8
