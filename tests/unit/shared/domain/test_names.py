"""Names follow the compiler's rules."""

from collections.abc import Callable

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidName
from shared.domain.names import (
    MAX_PACKAGE_LENGTH,
    ModuleName,
    is_one_edit_apart,
    parse_module_name,
    parse_org,
    parse_package_name,
    parse_tool_id,
    possible_packages,
    require_plain_org,
)

# What neither an organization nor a package nor a module may be called.
NOWHERE = (
    "",
    "_",
    "__",
    "1.0.01",
    "a-b",
    "a b",
    " a",
    "a\n",
    "a/b",
    "a:b",
    "a\\b",
    "a\0",
    "é",
    "\uff41",
    "a٣",
    "*",
    "..",
    "../a",
    "%41",
    "a'b",
)
ORGANIZATIONS_ALONE = ("1", "1a", "_a", "a_", "a__b")
BADLY_DOTTED = (
    *ORGANIZATIONS_ALONE,
    ".",
    ".a",
    "a.",
    "a..b",
    "1.a",
    "a._b",
    "a.b_",
    "a.b__c",
    "29_public_api",
)
PARSERS = (parse_org, parse_package_name, parse_module_name)


@pytest.mark.parametrize("text", ["a", "Z9", "greet_2", "a_b_C1"])
def test_packages_and_modules_may_be_dotted_and_organizations_may_not(text: str) -> None:
    assert [parse(text) for parse in (*PARSERS, parse_tool_id)] == [text] * 4
    for name in (f"{text}.{text}", f"{text}.2fa", f"{text}.1.02"):
        assert parse_package_name(name) == parse_module_name(name) == name
        with pytest.raises(InvalidName, match="organization name"):
            parse_org(name)


@pytest.mark.parametrize("text", NOWHERE)
@pytest.mark.parametrize("parse", PARSERS)
def test_other_characters_and_places_are_refused(text: str, parse: Callable[[str], str]) -> None:
    with pytest.raises(InvalidName, match="is not a valid"):
        parse(text)


@pytest.mark.parametrize("text", ORGANIZATIONS_ALONE)
def test_organizations_are_called_what_the_compiler_takes(text: str) -> None:
    assert parse_org(text) == text
    with pytest.raises(InvalidName, match="start with a letter"):
        require_plain_org(parse_org(text))


@pytest.mark.parametrize("text", BADLY_DOTTED)
@pytest.mark.parametrize("parse", [parse_package_name, parse_module_name])
def test_a_part_has_single_underscores_inside(text: str, parse: Callable[[str], str]) -> None:
    with pytest.raises(InvalidName, match="is not a valid"):
        parse(text)


def test_only_lang_packages_may_hold_leading_and_double_underscores() -> None:
    assert parse_package_name("lang.__internal") == "lang.__internal"
    assert parse_module_name("lang.__internal") == "lang.__internal"
    for text in ("langx.__internal", "lang__internal", "lang.", "lang..a", "a.lang.__b"):
        with pytest.raises(InvalidName):
            parse_package_name(text)


WORDS = (
    "Names may contain letters, digits, single underscores and dots. They start with a letter, "
    "and no part of them starts or ends with an underscore."
)
ORG = "Names may contain letters, digits and underscores, and not underscores alone."


@pytest.mark.parametrize(
    ("parse", "what", "rule"),
    [
        (parse_org, "organization", ORG),
        (parse_package_name, "package", WORDS),
        (parse_module_name, "module", WORDS),
        (parse_tool_id, "tool", "Ids may contain letters, digits, underscores and single dots."),
    ],
)
def test_a_refusal_says_what_is_wrong_with_which_name(
    parse: Callable[[str], str], what: str, rule: str
) -> None:
    with pytest.raises(InvalidName) as refusal:
        parse("hello-world")
    assert str(refusal.value) == f"'hello-world' is not a valid {what} name. {rule}"


@pytest.mark.parametrize("text", ["health", "openapi_2", "a.b", "2to3", "_x", "a__b"])
def test_a_tool_id_is_words_joined_by_dots(text: str) -> None:
    assert parse_tool_id(text) == text
    forms = ("{}.", ".{}", "{}..b", "{}-b", "{}\n")
    for other in ("", ".", "#", "é", *(form.format(text) for form in forms)):
        with pytest.raises(InvalidName, match="tool name"):
            parse_tool_id(other)


def test_names_have_a_length_that_the_stores_can_hold() -> None:
    longest = "a" * MAX_PACKAGE_LENGTH
    for parse in (*PARSERS, parse_tool_id):
        assert parse(longest) == longest
        with pytest.raises(InvalidName):
            parse(longest + "a")
    assert Package.parse("acme", "a" * (MAX_PACKAGE_LENGTH - 4)).org == "acme"
    with pytest.raises(InvalidName) as refusal:
        Package.parse("acme", "a" * (MAX_PACKAGE_LENGTH - 3))
    assert str(refusal.value).endswith(
        "An organization and a name have at most 200 characters together."
    )


def test_possible_packages_come_longest_first() -> None:
    assert possible_packages(ModuleName("a.b.c")) == ("a.b.c", "a.b", "a")
    assert possible_packages(ModuleName("lang.__internal")) == ("lang.__internal", "lang")


@pytest.mark.parametrize(
    ("other", "is_near"),
    [
        ("acme", False),
        ("ACME", False),
        ("acme2", True),
        ("acm", True),
        ("Xacme", True),
        ("acne", True),
        ("amce", True),
        ("amec", False),
        ("acmeca", False),
        ("ac", False),
        ("caem", False),
        ("a", False),
        ("bcmf", False),
    ],
)
def test_names_are_one_edit_apart(other: str, is_near: bool) -> None:
    assert is_one_edit_apart("acme", other) is is_near
    assert is_one_edit_apart(other, "acme") is is_near
