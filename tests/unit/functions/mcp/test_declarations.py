"""The Markdown of a declaration as agents read it."""

import pytest

from functions.mcp.declarations import commented_source, without_fields
from shared.domain.outside_values import fenced


def markdown(source: str, *members: tuple[str, str, str], comment: str = "Says.") -> str:
    parts = ["# X (record of acme/a 1.0.0)", fenced(source, "ballerina"), comment]
    for name, signature, told in members:
        parts += [f"## {name}", fenced(signature, "ballerina"), told]
    return "\n\n".join(parts) + "\n"


def test_a_comment_is_above_its_member_and_no_longer_name() -> None:
    source = "public type X record {|\n    int amountTotal;\n    int amount;\n|};"
    members = ("amountTotal", "int amountTotal", ""), ("amount", "int amount", "Cents.")
    shown = "int amountTotal;\n    # Cents.\n    int amount;"
    assert shown in commented_source(markdown(source, *members))
    assert shown in without_fields(markdown(source, *members))


@pytest.mark.parametrize("end", ["", ";", ",", " {}", " = external;"])
def test_a_member_is_found_whatever_ends_its_line(end: str) -> None:
    text = markdown(f"X {{\n    a{end}\n}}", ("a", "a", "First.\n\n- `returns`: all"))
    assert f"{{\n    # First.\n    # + return - all\n    a{end}\n}}" in commented_source(text)


def test_members_of_one_signature_have_one_comment() -> None:
    text = markdown("X {\n    a;\n}", ("a", "a", "First."), ("a", "a", "Second."))
    assert commented_source(text) == "# Says.\nX {\n    # First.\n    a;\n}"


def test_what_looks_like_a_section_within_the_source_is_source() -> None:
    source = "X {\n    string a = `\n\n## a\n\n```ballerina\nstring b\n```\n`;\n}"
    assert commented_source(markdown(source)) == f"# Says.\n{source}"


def test_a_comment_with_very_many_unclosed_fences_is_read_once() -> None:
    """A search from each fence to the end would take minutes."""
    hostile = "Says.\n\n## Y\n\n```ballerina\n" + "```ballerina\n" * 100_000
    assert commented_source(markdown("X {\n}", comment=hostile)) == "# Says.\nX {\n}"


def test_a_client_with_very_many_methods_is_read_once() -> None:
    """A search of the source for each of its methods would take minutes."""
    names = [f"remote function operation{number}()" for number in range(20_000)]
    source = "\n".join(["X {", *(f"    {name};" for name in names), "}"])
    text = markdown(source, *((name, name, "Does.") for name in names))
    assert commented_source(text).count("    # Does.\n") == len(names)
