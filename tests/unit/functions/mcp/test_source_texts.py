"""A declaration as agents read it: its source with comments, and its Markdown."""

from typing import Any

import pytest
from msgspec.structs import replace

from functions.mcp.source_texts import commented_source, short_markdown
from shared.domain.api_docs.symbol_texts import (
    CommentText,
    InclusionText,
    LineText,
    MemberText,
    SymbolText,
)

MODULE = "acme/a 1.0.0"


def record(*members: MemberText, **changes: Any) -> SymbolText:
    """Return a record with these fields, a line each."""
    symbol = SymbolText(
        path="X",
        kind="record",
        opening="public type X record {|",
        closing="|};",
        lines=tuple(LineText("", number, ";") for number, _ in enumerate(members)),
        members=members,
        comment=CommentText(text="Says."),
    )
    return replace(symbol, **changes)


def field(name: str, comment: str = "") -> MemberText:
    return MemberText(name, f"int {name}", CommentText(text=comment))


def test_a_comment_is_above_its_member_and_no_longer_name() -> None:
    symbol = record(field("amountTotal"), field("amount", "Cents."))
    shown = "int amountTotal;\n    # Cents.\n    int amount;"
    assert shown in commented_source(symbol)
    assert shown in short_markdown(symbol, MODULE)


def test_members_of_one_signature_have_a_comment_each() -> None:
    members = [MemberText("a", "a", CommentText(text=each)) for each in ("First.", "Second.")]
    source = commented_source(record(*members))
    assert "    # First.\n    a;\n    # Second.\n    a;\n" in source


def test_what_stands_around_a_member_does_not_hide_its_comment() -> None:
    lines = (LineText("public ", 0, " = external;"),)
    symbol = record(field("amount", "Cents."), lines=lines)
    assert "    # Cents.\n    public int amount = external;\n" in commented_source(symbol)


def test_of_a_comment_the_first_paragraph_and_all_parameters_are_in_the_source() -> None:
    comment = CommentText(
        text="Says\nmuch.\n\n- `b`: no parameter",
        parameters=(("a", "The first"),),
        result="All of it",
    )
    assert commented_source(SymbolText("f", "function", "function f()", comment=comment)) == (
        "# Says much.\n# + a - The first\n# + return - All of it\nfunction f()"
    )


def test_a_comment_says_first_what_to_use_instead() -> None:
    comment = CommentText(deprecation="Use `g`.", text="Says.")
    symbol = SymbolText("f", "function", "function f()", comment=comment)
    assert commented_source(symbol) == "# > Deprecated. Use `g`.\nfunction f()"
    assert short_markdown(symbol, MODULE).endswith("\n\n> Deprecated. Use `g`.\n\nSays.\n")


@pytest.mark.parametrize("text", ["## Y\n\n```ballerina\nint b\n```", "```ballerina\n" * 9 + "```"])
def test_what_looks_like_a_section_in_a_comment_is_its_text(text: str) -> None:
    symbol = record(field("a"), comment=CommentText(text=text))
    assert commented_source(symbol).endswith("public type X record {|\n    int a;\n|};")
    assert short_markdown(symbol, MODULE).endswith(f"\n\n{text}\n")


def test_a_fence_in_the_comment_of_a_member_does_not_end_that_of_the_source() -> None:
    markdown = short_markdown(record(field("a", "Says ``` so.")), MODULE)
    assert "\n\n````ballerina\npublic type X record {|\n    # Says ``` so.\n" in markdown


def test_fields_that_the_source_does_not_have_are_sections() -> None:
    known = InclusionText("Y", (field("b", "Included."),))
    unknown = InclusionText("other:Z")
    not_shown = "## Fields of *other:Z\n\nThe documentation of its own package has them.\n"
    markdown = short_markdown(record(field("a"), inclusions=(known, unknown)), MODULE)
    assert "## a\n" in markdown
    assert "## b (of *Y)\n\n```ballerina\nint b\n```\n\nIncluded.\n" in markdown
    assert markdown.endswith(not_shown)
    alone = short_markdown(record(field("a"), inclusions=(unknown,)), MODULE)
    assert "## a\n" not in alone
    assert alone.endswith(f"|}};\n```\n\nSays.\n\n{not_shown}")
