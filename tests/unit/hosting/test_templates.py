"""Route templates are read as ASP.NET reads them, and two of them are told apart or not."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hosting.errors import UnreadableRoute
from shared.hosting.routing import Route, Router
from shared.hosting.templates import Literal, Mixed, Parameter, Rest, overlap, parse


def test_a_template_is_literals_parameters_and_a_rest() -> None:
    template = parse("/2.0/Docs/{org}/{name?}")
    assert template.segments == (
        Literal("2.0"),
        Literal("docs"),
        Parameter("org"),
        Parameter("name", optional=True),
    )
    assert parse("v2/{**path}").segments == (Literal("v2"), Rest("path"))
    assert parse("/").segments == ()


def test_constraints_keep_their_braces_colons_and_slashes() -> None:
    (version,) = parse(r"{version:regex(^\d{{1,3}}:/x$):maxlength(9)?}").segments
    assert isinstance(version, Parameter)
    assert version.optional
    assert [each.argument for each in version.constraints] == [r"^\d{1,3}:/x$", "9"]


def test_text_and_parameters_share_a_segment() -> None:
    (badge,) = parse("{name}.{kind}.svg").segments
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
        parse(route)


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
    assert not overlap(parse(one), parse(other))
    assert not overlap(parse(other), parse(one))


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_templates_that_some_path_may_match_both_overlap(one: str, other: str) -> None:
    assert overlap(parse(one), parse(other))
    assert overlap(parse(other), parse(one))


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
    left, right = parse(one), parse(other)
    if overlap(left, right):
        return
    routers = [
        Router([(Route("x", template, frozenset({"GET"})), None)]) for template in (left, right)
    ]
    for path in PATHS:
        assert not all(router.match("GET", path) for router in routers), path


def test_what_a_catch_all_leaves_out_may_begin_with_a_doubled_slash() -> None:
    doubled = parse(r"2.0/{*rest:regex(^registry//)}")
    rest = r"[^/]*(/[\s\S]*)?"
    assert not overlap(doubled, parse(rf"{{*path:regex(^(?!(2\.0/registry//{rest})/?$))}}"))
    assert overlap(doubled, parse(rf"{{*path:regex(^(?!(2\.0/registry/{rest})/?$))}}"))
    assert overlap(doubled, parse(r"{*path:regex(^(?!(2\.0/registry//x)/?$))}"))
