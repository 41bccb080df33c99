"""Route constraints accept what ASP.NET routing accepts."""

import pytest

from shared.hosting.routing import (
    CatchAll,
    Literal,
    Mixed,
    Parameter,
    StartRefused,
    parse_constraint,
    parse_template,
)

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
    with pytest.raises(StartRefused, match="'semver' is unknown"):
        parse_constraint("semver", "")


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
    with pytest.raises(StartRefused, match="cannot be read"):
        parse_template(route)
