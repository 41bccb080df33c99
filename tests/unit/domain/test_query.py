"""Queries and pages, as they are read from a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.package import Listing, Texts
from shared.domain.query import (
    MAX_LIMIT,
    MAX_OFFSET,
    Field,
    Match,
    Page,
    Query,
    Sort,
    Suggestion,
    Term,
)
from tests.contract.samples import head, release


@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        ("", "", Page()),
        ("25", "50", Page(limit=25, offset=50)),
        (" 25 ", "+5", Page(limit=25)),
        ("0", "0", Page(limit=0)),
        ("-1", "-1", Page()),
        ("1001", "1", Page(limit=MAX_LIMIT, offset=1)),
        ("ten", "1e3", Page()),
        ("٣", "9999999999", Page(offset=MAX_OFFSET)),
        ("10", "99999999999999999999", Page()),
    ],
)
def test_a_page_is_read_leniently(limit: str, offset: str, expected: Page) -> None:
    assert Page.parse(limit, offset) == expected


@pytest.mark.parametrize(
    ("text", "sort", "descending"),
    [
        ("", Sort.RELEVANCE, True),
        ("relevance", Sort.RELEVANCE, True),
        ("relevance,ASC", Sort.RELEVANCE, False),
        ("name", Sort.NAME, False),
        ("NAME,desc", Sort.NAME, True),
        ("createdDate", Sort.CREATED, True),
        ("created_date,ASC", Sort.CREATED, False),
        ("CREATED_DATE , DESC", Sort.CREATED, True),
        ("pullCount", Sort.PULLS, True),
        ("pull_count,asc", Sort.PULLS, False),
        ("pullcount,sideways", Sort.PULLS, True),
        ("downloads,ASC", Sort.RELEVANCE, False),
        ("name;DROP TABLE packages", Sort.RELEVANCE, True),
    ],
)
def test_a_sort_is_read_in_every_spelling(text: str, sort: Sort, descending: bool) -> None:
    page = Page.parse(sort=text)
    assert (page.sort, page.descending) == (sort, descending)


@given(st.text(), st.text(), st.text())
def test_any_parameters_are_a_page_within_the_limits(limit: str, offset: str, sort: str) -> None:
    page = Page.parse(limit, offset, sort)
    assert 0 <= page.limit <= MAX_LIMIT
    assert 0 <= page.offset <= MAX_OFFSET


def test_a_query_is_restricted_by_everything_that_restricts_it() -> None:
    query = Query.parse("kafka").within(frozenset({"Acme", "other"}))
    assert query.orgs == {"acme", "other"}
    assert query.within(frozenset({"ACME"})).orgs == {"acme"}
    assert query.within(frozenset()).orgs == frozenset()


def test_while_a_name_is_typed_words_are_looked_for_in_names() -> None:
    typed = Query.parse('kafka "event hub" org:acme acme/http *x').by_name()
    assert typed.terms == (
        Term(("kafka",), Field.NAME),
        Term(("event hub",), Field.NAME, Match.PHRASE),
        Term(("acme",), Field.ORG, Match.WHOLE),
        Term(("acme/http",), match=Match.PATH),
        Term(("*x",), match=Match.PATTERN),
    )


def test_a_suggestion_is_spelled_as_the_package_is() -> None:
    listing = Listing(head("Acme/Greet"), release("Acme/Greet:1.0.0", summary="Hi"), Texts())
    assert Suggestion.of(listing) == Suggestion("Acme", "Greet", "Hi")
