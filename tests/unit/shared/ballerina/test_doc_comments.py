from textwrap import dedent

from shared.ballerina.doc_comments import read_doc_comment
from shared.ballerina.syntax import DocComment


def read(text: str) -> DocComment:
    return read_doc_comment(dedent(text).strip("\n"))


def test_the_parts_of_a_comment_are_its_description_parameters_and_return() -> None:
    comment = read("""
        # Sends.
        #
        # + to - Who,
        #        or what
        # + return - nil
    """)
    assert comment == DocComment(
        description="Sends.\n\n",
        parameters=(("to", "Who,\nor what\n"),),
        returns="nil\n",
        text="Sends.\n\n+ to - Who,\n       or what\n+ return - nil\n",
    )


def test_the_blanks_of_a_line_are_dropped_but_for_the_text_as_it_was_meant() -> None:
    comment = read("""
        #  - one
        #    - two
    """)
    assert comment.description == "- one\n- two\n"
    assert comment.text == " - one\n   - two\n"


def test_one_blank_is_dropped_within_a_fence() -> None:
    comment = read("""
        # Example:
        # ```ballerina
        #   # not a heading
        #   + a - no parameter
        #
        # ```
        #   After.
    """)
    assert comment.description == (
        "Example:\n```ballerina\n  # not a heading\n  + a - no parameter\n\n```\nAfter.\n"
    )
    assert comment.parameters == ()
    assert comment.sections == ()


def test_a_parameter_ends_at_an_empty_line() -> None:
    comment = read("""
        # Sends.
        # + to - Who
        #
        # This is lost in Central's documentation.
        # + n - How often
    """)
    assert comment.description == "Sends.\n"
    assert comment.parameters == (("to", "Who\n"), ("n", "How often\n"))
    assert "This is lost in Central's documentation.\n" in comment.text


def test_a_parameter_has_its_name_as_it_is_written() -> None:
    comment = read("""
        # + 'type - Quoted
        # +x- Without blanks
        # + first\\ name - With a blank
        # + a\\-b - With a dash
        # + empty -
    """)
    assert comment.parameters == (
        ("'type", "Quoted\n"),
        ("x", "Without blanks\n"),
        ("first\\ name", "With a blank\n"),
        ("a\\-b", "With a dash\n"),
        ("empty", "\n"),
    )


def test_a_list_with_plus_signs_is_no_parameter() -> None:
    assert read("# + one item").description == "+ one item\n"


def test_a_heading_begins_a_section_and_ends_the_description() -> None:
    comment = read("""
        # Sends.
        # # Deprecated
        # Use `post`
        # instead.
        #
        # Not a part of it.
        # # See also
        # + to - Who
    """)
    assert comment.description == "Sends.\n"
    assert comment.sections == ("# Deprecated\nUse `post`\ninstead.\n", "# See also\n")
    assert comment.parameters == (("to", "Who\n"),)


def test_a_heading_right_after_a_parameter_belongs_to_it_too() -> None:
    comment = read("""
        # + to - Who
        # # Deprecated
        # Use `post`.
    """)
    assert comment.parameters == (("to", "Who\n# Deprecated\nUse `post`.\n"),)
    assert comment.sections == ("# Deprecated\nUse `post`.\n",)


def test_a_fence_within_a_parameter_belongs_to_it() -> None:
    comment = read("""
        # + to - For example
        # ```
        #  x
        # ```
    """)
    assert comment.parameters == (("to", "For example\n```\n x\n```\n"),)


def test_an_empty_line_is_a_description() -> None:
    assert read("#") == DocComment(description="\n", text="\n")


def test_the_indentation_of_the_comment_is_no_part_of_it() -> None:
    assert read_doc_comment("# One\n    \t# two").description == "One\ntwo\n"


def test_a_comment_may_have_empty_lines_between_its_blocks() -> None:
    comment = read_doc_comment("# Sends things.\n\n# + to - Who,\n\n#   or what\n\n# + return - It")
    assert comment.description == "Sends things.\n"
    assert comment.parameters == (("to", "Who,\nor what\n"),)
    assert comment.returns == "It\n"
    assert comment.text == "Sends things.\n\n+ to - Who,\n\n  or what\n\n+ return - It\n"
