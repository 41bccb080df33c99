"""One Function answers a path and a method, or none does."""

import pytest

from shared.hosting.requests import Router
from shared.hosting.triggers import Route, StartRefused, parse_template


def route(template: str, *methods: str, name: str = "") -> Route:
    return Route(name or template, parse_template(template), frozenset(methods) or None)


def router(*routes: Route) -> Router[str]:
    return Router([(each, each.function) for each in routes])


def test_the_template_that_fits_answers_with_its_parameters() -> None:
    found = router(route("packages/{org}/{name}", "GET"), route("search", "GET")).match(
        "GET", "/packages/Acme/greet"
    )
    assert found == ("packages/{org}/{name}", {"org": "Acme", "name": "greet"})


def test_literals_match_without_case_and_values_keep_theirs() -> None:
    assert router(route("Packages/{org}", "GET")).match("GET", "/pacKages/AcMe") == (
        "Packages/{org}",
        {"org": "AcMe"},
    )


def test_only_ascii_letters_have_another_case() -> None:
    assert router(route("packages", "GET")).match("GET", "/pac\N{KELVIN SIGN}ages") is None
    assert router(route("{name}", "GET")).match("GET", "/\N{KELVIN SIGN}") is not None


def test_a_request_target_that_is_no_path_matches_no_function() -> None:
    assert router(route("/", "OPTIONS"), route("{*path}", "GET")).match("OPTIONS", "*") is None


def test_a_wrong_method_is_no_match() -> None:
    assert router(route("search", "GET")).match("POST", "/search") is None


def test_a_route_without_methods_takes_every_method() -> None:
    both = router(route("any"), route("search", "GET"))
    for method in ("GET", "PROPFIND"):
        assert both.match(method, "/any") == ("any", {})
    assert both.match("PROPFIND", "/search") is None


def test_one_trailing_slash_is_ignored() -> None:
    one = router(route("search", "GET"))
    assert one.match("GET", "/search/")
    assert one.match("GET", "/search//") is None


def test_an_optional_parameter_that_is_absent_has_no_value() -> None:
    one = router(route("packages/{org}/{name?}", "GET"))
    assert one.match("GET", "/packages/acme") == ("packages/{org}/{name?}", {"org": "acme"})
    assert one.match("GET", "/packages") is None


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/maven", {}),
        ("/maven/", {}),
        ("/maven/a", {"path": "a"}),
        ("/maven/a/b/", {"path": "a/b/"}),
        ("/maven/a//b", {"path": "a//b"}),
    ],
)
def test_a_catch_all_takes_the_rest_with_its_slashes(path: str, values: dict[str, str]) -> None:
    assert router(route("maven/{*path}", "GET")).match("GET", path) == ("maven/{*path}", values)


def test_an_empty_segment_matches_nothing_but_the_inside_of_a_catch_all() -> None:
    both = router(route("packages/{org}/{name?}", "GET"), route("maven/{*path}", "GET"))
    for path in ("/packages//greet", "/maven//a", "//packages/acme"):
        assert both.match("GET", path) is None


def test_a_doubled_slash_is_found_by_a_constrained_catch_all() -> None:
    slashes = route("2.0/{*rest:regex(^registry//)}", "GET")
    found = router(slashes, route("2.0/registry/{what}", "GET")).match("GET", "/2.0/registry//x")
    assert found == (slashes.function, {"rest": "registry//x"})


def test_an_expression_folds_case_as_the_real_host_does() -> None:
    one = router(route("{*path:regex(^(?!search$|packages$))}", "GET"))
    assert one.match("GET", "/SEARCH") is None
    assert one.match("GET", "/pac\N{KELVIN SIGN}ages") is None
    assert one.match("GET", "/package\N{LATIN SMALL LETTER LONG S}")


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
    with pytest.raises(StartRefused, match="cannot be read"):
        parse_template(template)


def test_the_root_is_a_route_of_its_own() -> None:
    assert router(route("/", "GET"), route("search", "GET")).match("GET", "/") == ("/", {})


def test_a_way_that_ends_nowhere_leads_back_to_the_fork() -> None:
    both = router(route("a/x/y", "GET"), route("a/{p}/z", "GET"), route("b/{*rest}", "GET"))
    assert both.match("GET", "/a/1/z") == ("a/{p}/z", {"p": "1"})
    assert both.match("GET", "/a/x/z") == ("a/{p}/z", {"p": "x"})
    assert both.match("GET", "/b//z") is None


def test_routes_that_share_a_path_alone_are_served() -> None:
    both = router(route("a", "GET", name="read"), route("a", "PUT", "POST", name="write"))
    assert both.match("PUT", "/a") == ("write", {})
    assert sorted(both.methods("/a")) == ["GET", "POST", "PUT"]
