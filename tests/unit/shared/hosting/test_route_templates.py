"""Route constraints accept what ASP.NET routing accepts."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hosting.errors import UnknownConstraint, UnreadableRoute
from shared.hosting.route_templates import (
    CatchAll,
    Literal,
    Mixed,
    Parameter,
    parse_constraint,
    parse_template,
    templates_overlap,
)
from shared.hosting.routing import Route, Router

ACCEPTED = [
    ("int", "", "12"),
    ("int", "", "-2147483648"),
    ("bool", "", "True"),
    ("alpha", "", "Greet"),
    ("guid", "", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("guid", "", "{0f8fad5b-d9cb-469f-a165-70867728950e}"),
    ("guid", "", "0f8fad5bd9cb469fa16570867728950e"),
    ("length", "3", "abc"),
    ("length", "2,3", "ab"),
    ("minlength", "2", "ab"),
    ("maxlength", "2", "ab"),
    ("regex", "^v[0-9]+$", "V12"),
    ("regex", "x", "axb"),
]
REFUSED = [
    ("int", "", "1.5"),
    ("int", "", "2147483648"),
    ("bool", "", "yes"),
    ("alpha", "", "a1"),
    ("guid", "", "{0f8fad5b-d9cb-469f-a165-70867728950e)"),
    ("length", "3", "ab"),
    ("length", "2,3", "abcd"),
    ("minlength", "2", "a"),
    ("maxlength", "2", "abc"),
    ("regex", "^v[0-9]+$", "v"),
]


@pytest.mark.parametrize(("kind", "argument", "value"), ACCEPTED)
def test_a_constraint_accepts(kind: str, argument: str, value: str) -> None:
    assert parse_constraint(kind, argument).accepts(value)


@pytest.mark.parametrize(("kind", "argument", "value"), REFUSED)
def test_a_constraint_refuses(kind: str, argument: str, value: str) -> None:
    assert not parse_constraint(kind, argument).accepts(value)


def test_an_expression_folds_case_as_the_real_host_does() -> None:
    search = parse_constraint("regex", "^(?!search$|packages$)")
    assert not search.accepts("SEARCH")
    assert not search.accepts("pac\N{KELVIN SIGN}ages")
    assert search.accepts("package\N{LATIN SMALL LETTER LONG S}")


def test_an_unknown_constraint_names_the_known_ones() -> None:
    with pytest.raises(UnknownConstraint, match="'semver' is unknown"):
        parse_constraint("semver", "")


def test_no_number_is_a_word_but_a_guid_may_be_one() -> None:
    assert parse_constraint("int", "").excludes(parse_constraint("alpha", ""))
    assert not parse_constraint("guid", "").excludes(parse_constraint("alpha", ""))


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("^registry//", "registry//"),
        (r"^a\.b$", "a.b"),
        ("^abc*", "ab"),
        ("registry", ""),
        ("^a|b", ""),
        ("^(a)", ""),
    ],
)
def test_the_known_start_of_an_expression_is_never_longer_than_what_it_matches(
    pattern: str, prefix: str
) -> None:
    assert parse_constraint("regex", pattern).prefix == prefix


def test_a_template_is_literals_parameters_and_a_rest() -> None:
    template = parse_template("/2.0/Docs/{org}/{name?}")
    assert template.segments == (
        Literal("2.0"),
        Literal("docs"),
        Parameter("org"),
        Parameter("name", optional=True),
    )
    assert parse_template("v2/{**path}").segments == (Literal("v2"), CatchAll("path"))
    assert parse_template("/").segments == ()


def test_constraints_keep_their_braces_colons_and_slashes() -> None:
    (version,) = parse_template(r"{version:regex(^\d{{1,3}}:/x$):maxlength(9)?}").segments
    assert isinstance(version, Parameter)
    assert version.optional
    assert [each.argument for each in version.constraints] == [r"^\d{1,3}:/x$", "9"]


def test_text_and_parameters_share_a_segment() -> None:
    (badge,) = parse_template("{name}.{kind}.svg").segments
    assert isinstance(badge, Mixed)
    found = badge.pattern.fullmatch("a.b.c.SVG")
    assert found is not None
    assert found.groupdict() == {"name": "a.b", "kind": "c"}


@pytest.mark.parametrize(
    "route",
    ["a//b", "a/{", "a/}", "{a}{b}", "x{*a}", "{*a}/b", "{*a?}", "{a=1}", "a?", "x{a?}", "{}"],
)
def test_a_template_that_the_real_host_would_refuse_is_refused(route: str) -> None:
    with pytest.raises(UnreadableRoute, match="cannot be read"):
        parse_template(route)


NEITHER = r"{*path:regex(^(?!(a|a/[^/]+/c|d(/[\s\S]*)?)/?$))}"
APART = [
    (NEITHER, ""),
    (NEITHER, "a"),
    (NEITHER, "A"),
    (NEITHER, "a/{name}/c"),
    (NEITHER, "a/{name}.svg/c"),
    (NEITHER, "a/b/c"),
    (NEITHER, "d"),
    (NEITHER, "d/{*rest}"),
    (NEITHER, "d/{name}/{other?}"),
    ("search", "packages"),
    ("packages/{org}", "packages/{org}/{name}"),
    ("packages/{org}", "orgs/{org}"),
    ("packages/{id:int}", "packages/{name:alpha}"),
    ("packages/{id:int}", "packages/search"),
    ("badges/{name}.svg", "badges/{name}.json"),
    ("badges/{name}.svg", "badges/list"),
    ("v2/{a}-{b}", "v2/plain"),
    ("2.0/registry/{x?}", "2.0/maven/{*path}"),
    ("2.0/registry/search-packages", "2.0/{*slashes:regex(^registry//)}"),
    ("2.0/maven/{*path}", "2.0/{*slashes:regex(^registry//)}"),
    ("2.0/registry/{*path}", "2.0/{*slashes:regex(^registry//)}"),
]
TOGETHER = [
    (NEITHER, "b"),
    (NEITHER, "{name}"),
    (NEITHER, "a/b"),
    (NEITHER, "a/{name?}"),
    (NEITHER, "a/{*rest}"),
    (NEITHER, "a/{name}/c/{other}"),
    (NEITHER, "{*rest}"),
    ("{*path:regex(^(?!(a|b)x)/?$)}", "a"),
    ("Search", "search"),
    ("packages/{org}", "packages/search"),
    ("packages/{org?}", "packages"),
    ("packages/{*path}", "packages"),
    ("packages/{*path}", "packages/{org}/{name}"),
    ("{*path}", "/"),
    ("badges/{name}.svg", "badges/{file}"),
    ("badges/{name}.svg", "badges/a.svg"),
    ("badges/{name}.svg", "badges/x-{name}"),
    ("packages/{id:guid}", "packages/{name:alpha}"),
    ("packages/{id:int}", "packages/12"),
    ("2.0/{*slashes:regex(^registry//)}", "2.0/{*path}"),
    ("2.0/{*slashes:regex(^(registry|docs)//)}", "2.0/maven/{*path}"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_templates_that_no_path_matches_both_are_apart(one: str, other: str) -> None:
    assert not templates_overlap(parse_template(one), parse_template(other))
    assert not templates_overlap(parse_template(other), parse_template(one))


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_templates_that_some_path_may_match_both_overlap(one: str, other: str) -> None:
    assert templates_overlap(parse_template(one), parse_template(other))
    assert templates_overlap(parse_template(other), parse_template(one))


segments = st.sampled_from(
    ["a", "b", "ab", "1", "{N}", "{N:int}", "{N:alpha}", "{N}.b", "a{N}", "{N:length(1)}"]
)
endings = st.sampled_from(
    [
        "",
        "/{q?}",
        "/{q:int?}",
        "/{*q}",
        "/{*q:regex(^a/b)}",
        "/{*q:regex(b)}",
        r"/{*q:regex(^(?!(a|1/[^/]+|ab(/[\s\S]*)?)/?$))}",
    ]
)


def _template(parts: list[str], ending: str) -> str:
    return "/".join(part.replace("N", f"p{at}") for at, part in enumerate(parts)) + ending


templates = st.builds(_template, st.lists(segments, min_size=1, max_size=3), endings)
PATHS = [
    "/" + "/".join(each)
    for count in (1, 2, 3)
    for each in product(["a", "b", "ab", "1", "a.b", "12"], repeat=count)
]


@given(templates, templates)
def test_no_path_matches_both_of_two_templates_that_are_called_apart(one: str, other: str) -> None:
    left, right = parse_template(one), parse_template(other)
    if templates_overlap(left, right):
        return
    routers = [
        Router([(Route("x", template, frozenset({"GET"})), None)]) for template in (left, right)
    ]
    for path in PATHS:
        assert not all(router.match("GET", path) for router in routers), path


def test_the_rest_after_a_catch_all_may_begin_with_a_double_slash() -> None:
    doubled = parse_template(r"2.0/{*rest:regex(^registry//)}")
    rest = r"[^/]*(/[\s\S]*)?"
    assert not templates_overlap(
        doubled, parse_template(rf"{{*path:regex(^(?!(2\.0/registry//{rest})/?$))}}")
    )
    assert templates_overlap(
        doubled, parse_template(rf"{{*path:regex(^(?!(2\.0/registry/{rest})/?$))}}")
    )
    assert templates_overlap(doubled, parse_template(r"{*path:regex(^(?!(2\.0/registry//x)/?$))}"))
