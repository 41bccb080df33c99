"""Searches: the language of `q`, pages of results, suggestions, and code as a query."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.search import (
    MAX_OFFSET,
    MAX_QUERY_LENGTH,
    MAX_QUERY_TERMS,
    MAX_TERM_VALUES,
    Field,
    Match,
    Query,
    ResultPage,
    Sort,
    SymbolQuery,
    Term,
    imported,
    method_of,
    packages_in,
    parse_terms,
    prefix_of,
    symbols_in_import,
)
from tests.paths import central_packages


@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        (" 25 ", "+5", ResultPage(limit=25)),
        ("٣", "9999999999", ResultPage(offset=MAX_OFFSET)),
        ("10", "99999999999999999999", ResultPage()),
    ],
)
def test_a_page_is_read_leniently(limit: str, offset: str, expected: ResultPage) -> None:
    assert ResultPage.parse(limit, offset) == expected


def test_a_sort_that_no_client_asks_for_is_read_too() -> None:
    assert not ResultPage.parse(sort="relevance,ASC").descending
    assert ResultPage.parse(sort="pullcount , sideways") == ResultPage(sort=Sort.PULLS)
    assert ResultPage.parse(sort="dependents").sort is Sort.RELEVANCE  # Pages alone offer it.


def test_a_query_is_restricted_by_everything_that_restricts_it() -> None:
    query = Query.parse("kafka").within(frozenset({"Acme", "other"}))
    assert query.orgs == {"acme", "other"}
    assert query.within(frozenset({"ACME"})).orgs == {"acme"}
    assert query.within(frozenset()).orgs == frozenset()


def test_a_name_that_is_typed_is_looked_for_only_among_names() -> None:
    typed = Query.parse("kafka client").by_name()
    assert [each.field for each in typed.terms] == [Field.NAME, Field.NAME]


TEXTS = (
    # Words side by side or joined.
    "",
    "kafka",
    "kafka AND client",
    "AND AND",
    "kafka kafka",
    "ANDROID",
    # Fields, in any case.
    "ORG:acme AND kafka",
    'org:("acme" OR other)',
    'org:"acme"',
    "org:acme*",
    "org:*",
    "name:kafka",
    "package:kafka",
    "name:*kaf*",
    "name:kaf*",
    'name:"google sheets"',
    "name:(http OR kafka)",
    "module:a.b*c",
    # A keyword runs on.
    "keyword:IT Operations",
    "keyword:Queues & Streams/All AND kafka",
    "kafka keyword:a b AND org:acme",
    'keyword:"a b" kafka',
    "keyword:(a b OR c) kafka",
    "keyword:50*",
    # Phrases, groups and patterns.
    '"event stream" kafka',
    "(kafka OR nats)",
    "*kaf*",
    "kaf*",
    "*",
    # Paths.
    "acme/kafka:1.0.0-rc.1",
    "acme/kafka:*",
    "acme/*kafka",
    "a/b/c",
    # Escapes.
    r"org\:acme",
    r"\"kafka",
    r"event\ stream",
    r'"say \"kafka\""',
    r"keyword:a\*b",
    r"a\\b",
    # What does not fit is read as plain words.
    "org:",
    "license:MIT",
    '"kafka',
    'kafka"',
    "(kafka",
    "org:(acme",
    '"kafka"s',
    "kafka\\",
    "\\",
    '"" () -- ...',
)


def test_a_text_is_read_as_terms(snapshot: SnapshotAssertion) -> None:
    said = {
        text: [f"{each.field.value or 'any'} {each.match.value} {each.values}" for each in terms]
        for text, terms in ((text, parse_terms(text)) for text in TEXTS)
    }
    assert {text: ", ".join(terms) for text, terms in said.items()} == snapshot


def test_a_search_reads_so_much_and_no_more() -> None:
    many = " ".join(f"w{number}" for number in range(MAX_QUERY_TERMS + 1))
    assert parse_terms(many)[-1].values == (f"w{MAX_QUERY_TERMS - 1}",)
    [group] = parse_terms(f"({' OR '.join('abcdefghij' * 9)})")
    assert len(group.values) == MAX_TERM_VALUES
    [long] = parse_terms("a" * (MAX_QUERY_LENGTH + 1))
    assert long.values == ("a" * MAX_QUERY_LENGTH,)


@pytest.mark.parametrize(
    ("text", "words", "orgs"),
    [
        ("read csv", "read csv", None),
        ("org:acme read", "read", {"acme"}),
        ('org:(acme OR "Other") AND read', "read", {"acme", "other"}),
        ("org:acme org:other read", "read", set[str]()),
    ],
)
def test_a_query_for_symbols_names_organizations(
    text: str, words: str, orgs: set[str] | None
) -> None:
    found = SymbolQuery.parse(text)
    assert found.words == words
    assert found.orgs == (None if orgs is None else frozenset(orgs))


@pytest.mark.parametrize(
    ("text", "found", "packages", "symbols"),
    [
        ("import acme/http;", ("acme", "http"), "acme/http", "org:acme http:"),
        (" import acme / 'order as o ;", ("acme", "order"), "acme/order", "org:acme order:"),
        ("import jsonutils", ("", "jsonutils"), "jsonutils", "jsonutils:"),
    ],
)
def test_an_import_means_its_module(
    text: str, found: tuple[str, str], packages: str, symbols: str
) -> None:
    assert imported(text) == found
    assert packages_in(text) == packages
    assert symbols_in_import(text) == symbols
    for other in ("", "import", "important csv", "import acme/http today"):
        assert (imported(other), packages_in(other), symbols_in_import(other)) == (
            None,
            other,
            other,
        )


@pytest.mark.parametrize(
    ("word", "module"),
    [
        ("http:Client", "http"),
        ("jsonutils:toJson(", "jsonutils"),
        ("acme.'order:Client", "acme.order"),
        ("'order:createOrder", "order"),
        ("@http:ServiceConfig", "http"),
        ("'order:Client->/orders;", "order"),
        ("license:MIT", ""),
        ("localhost:8080", ""),
    ],
)
def test_a_prefix_before_a_name_is_a_module(word: str, module: str) -> None:
    assert prefix_of(word) == module


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kafka:Consumer c = check new (url, config);", "kafka:Consumer c"),
        ("service websub:SubscriberService", "websub:SubscriberService"),
        ('final mysql:Client db = check new ("localhost");', "mysql:Client db"),
        ('"null pointer" http:Client org:acme -aws', '"null pointer" http:Client org:acme -aws'),
        ("keyword:Content & Files/Blogs", "keyword:Content & Files/Blogs"),
        ("http:Client AND Keyword:Sales & CRM", "http:Client AND Keyword:Sales & CRM"),
    ],
)
def test_a_statement_means_the_packages_of_its_prefixes(text: str, found: str) -> None:
    assert packages_in(text) == found


@pytest.mark.parametrize("text", ["keyword:{}", "org:acme AND keyword:{}", "keyword:{} AND kafka"])
def test_every_keyword_of_central_can_be_searched(text: str) -> None:
    for keyword in {each for package in central_packages() for each in package["keywords"]}:
        wanted = Term((keyword,), Field.KEYWORD, Match.WHOLE)
        assert wanted in Query.parse(text.format(keyword)).terms


@pytest.mark.parametrize(
    ("word", "method"),
    [("json.cloneWithType(Person)", "cloneWithType"), ("example.com(2)", ""), ("data.csv", "")],
)
def test_a_method_is_called_of_any_variable(word: str, method: str) -> None:
    assert method_of(word) == method
