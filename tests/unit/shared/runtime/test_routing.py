"""One Function answers a path and a method, or none does."""

import pytest

from shared.runtime.routing import InvalidTemplate, Route, Router, parse_template


@pytest.mark.parametrize(
    "template",
    [
        "a//b",
        "a/{",
        "a/}",
        "{a}{b}",
        "x{*a}",
        "{*a}/b",
        "{*a?}",
        "{a=1}",
        "a?",
        "x{a?}",
        "{}",
        "{name}.svg",
        "{id:int}",
    ],
)
def test_a_template_that_cannot_be_served_is_refused(template: str) -> None:
    with pytest.raises(InvalidTemplate, match="cannot be read"):
        parse_template(template)


def router(*templates: str, methods: frozenset[str] | None = None) -> Router[str]:
    """Return a router whose routes lead to the texts of their templates."""
    return Router([(Route(each, parse_template(each), methods), each) for each in templates])


@pytest.mark.parametrize(
    ("templates", "path", "leads"),
    [
        (("{org}", "search"), "/search", "{org}"),
        (("search", "{org}"), "/search", "search"),
        (("{*path}", "search"), "/search", "{*path}"),
        (("search", "{*path}"), "/search", "search"),
        (("a/{*path}", "a/b/{c}", "a/b/c"), "/a/b/c", "a/{*path}"),
        (("a/{b}/x", "a/b/{c}", "{*path}"), "/a/b/c", "a/b/{c}"),
        (("a/{b?}", "a", "{*path}"), "/a", "a/{b?}"),
        (("a/{*path}", "a", "{*path}"), "/a", "a/{*path}"),
        (("/", "{*path}"), "/", "/"),
    ],
)
def test_the_first_route_that_matches_answers(
    templates: tuple[str, ...], path: str, leads: str
) -> None:
    found = router(*templates).match("GET", path)
    assert found is not None
    assert found[0] == leads


def test_the_last_route_matches_every_path_but_those_with_slashes_at_their_beginning() -> None:
    every = router("{*path}")
    paths = ("/", "/a", "/a/", "/a/b", "/a//b", "/a//", "/2.0/registry//x")
    assert [path for path in paths if every.match("GET", path) is None] == []
    assert every.match("GET", "//a") is None
    assert every.match("OPTIONS", "*") is None


@pytest.mark.parametrize("method", ["GET", "get", "Get"])
def test_methods_are_compared_without_case(method: str) -> None:
    routes = router("a", methods=frozenset({"GET"}))
    assert routes.match(method, "/a") == ("a", {})
    assert routes.match("post", "/a") is None
