"""Route constraints accept what ASP.NET routing accepts."""

import pytest

from shared.hosting.constraints import constraint
from shared.hosting.errors import UnknownConstraint

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
    assert constraint(kind, argument).accepts(value)


@pytest.mark.parametrize(("kind", "argument", "value"), REFUSED)
def test_a_constraint_refuses(kind: str, argument: str, value: str) -> None:
    assert not constraint(kind, argument).accepts(value)


def test_an_expression_folds_letters_as_the_real_host_does() -> None:
    search = constraint("regex", "^(?!search$|packages$)")
    assert not search.accepts("SEARCH")
    assert not search.accepts("pac\N{KELVIN SIGN}ages")
    assert search.accepts("package\N{LATIN SMALL LETTER LONG S}")


def test_an_unknown_constraint_names_the_known_ones() -> None:
    with pytest.raises(UnknownConstraint, match="'semver' is unknown"):
        constraint("semver", "")


def test_no_number_is_a_word_but_a_guid_may_be_one() -> None:
    assert constraint("int", "").excludes(constraint("alpha", ""))
    assert not constraint("guid", "").excludes(constraint("alpha", ""))


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
    assert constraint("regex", pattern).prefix == prefix
