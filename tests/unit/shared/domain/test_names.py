"""Names follow the compiler's rules, and packages are compared without case."""

from collections.abc import Callable

import pytest

from shared.ballerina.types import PLAIN_TYPES
from shared.domain.errors.base import InvalidName
from shared.domain.names import (
    MAX_PACKAGE_LENGTH,
    RESERVED_WORDS,
    Coordinate,
    ModuleName,
    Package,
    import_line,
    is_one_edit_apart,
    module_prefix,
    parse_module_name,
    parse_org,
    parse_package_name,
    parse_tool_id,
    possible_packages,
    purl,
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


def test_lang_packages_alone_may_hold_leading_and_double_underscores() -> None:
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


def test_a_package_url_names_the_release_and_the_registry() -> None:
    coordinate = Coordinate.parse("acme", "greet.formal", "1.0.0-rc.1")
    named = "pkg:ballerina/acme/greet.formal@1.0.0-rc.1?repository_url=https://registry.test:8443"
    assert purl(coordinate, "https://registry.test:8443") == named
    # An address cannot end the qualifier.
    assert purl(coordinate, "https://registry.test:8443/a&b=c#d") == f"{named}/a%26b%3Dc%23d"


def test_packages_are_compared_without_case_and_versions_are_not() -> None:
    one, other = (Coordinate.parse("Acme", "Greet.io", f"1.0.0-{rc}") for rc in ("rc", "RC"))
    assert (one.key, other.key) == ("acme/greet.io:1.0.0-rc", "acme/greet.io:1.0.0-RC")
    assert (str(one), str(one.package)) == ("Acme/Greet.io:1.0.0-rc", "Acme/Greet.io")
    assert one == one.package.at(one.version) != other
    assert Package.parse("ACME", "GREET.io").key == one.package.key == "acme/greet.io"


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


# --- Names in sources --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "prefix"),
    [
        ("import kwords/greet;", "greet"),
        ("import kwords/data.'table;", "'table"),
        ("import 'service/'client.'stream;", "'stream"),
        ("import kwords/'error;", "'error"),
        ("import kwords/'type.names;", "names"),
        ("import kwords/tables;", "tables"),
        ("import kwords/Error;", "Error"),
    ],
)
def test_a_reserved_word_in_the_name_of_a_module_has_a_quote(line: str, prefix: str) -> None:
    org, module = line.replace("'", "").removeprefix("import ").removesuffix(";").split("/")
    assert import_line(org, module) == line
    assert module_prefix(module) == prefix


def test_the_names_of_types_are_reserved() -> None:
    assert PLAIN_TYPES <= RESERVED_WORDS
