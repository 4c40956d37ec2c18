"""tests/rows.py: a loop over rows fails as loudly as a test for each of them would."""

from __future__ import annotations

import inspect

import pytest

from tests.rows import SHOWN, each_row


def test_each_row_that_fails_is_named_and_the_others_are_tried():
    """No failure hides another, be it an assertion, an error or pytest.fail."""
    tried = []

    @each_row("number", range(9), ids=lambda number: f"row-{number}")
    def looped(number):
        tried.append(number)
        if number == 2:
            pytest.fail("as asked")
        assert number not in (4, 6)
        assert 1 / (number - 8)

    with pytest.raises(BaseExceptionGroup) as caught:
        looped()
    assert tried == list(range(9))
    assert "4 of 9 rows failed: 2:row-2, 4:row-4, 6:row-6, 8:row-8" in str(caught.value)
    assert len(caught.value.exceptions) == min(4, SHOWN)
    assert caught.value.exceptions[0].__notes__ == ["row: 2:row-2"]


def test_two_tables_make_every_pair_and_fixtures_are_handed_on():
    """Rows of two tables are combined; what no table fills in is left for fixtures."""
    tried = []

    @each_row("one", [1, 2])
    @each_row("two, three", [("a", "b"), pytest.param("c", "d", id="named")])
    def looped(one, two, three, fixture):
        tried.append((one, two + three, fixture))

    assert list(inspect.signature(looped).parameters) == ["fixture"]
    looped(fixture=0)
    assert tried == [(1, "ab", 0), (1, "cd", 0), (2, "ab", 0), (2, "cd", 0)]


def test_a_table_that_tests_nothing_is_refused():
    """An empty table, a misspelt argument and a skip of every row do not pass."""
    with pytest.raises(AssertionError, match="no rows"):
        each_row("row", [])
    with pytest.raises(AssertionError, match="not all taken"):
        each_row("raw", [1])(lambda row: None)
    with pytest.raises(pytest.skip.Exception):
        each_row("row", [1, 2])(lambda row: pytest.skip(f"{row}"))()
