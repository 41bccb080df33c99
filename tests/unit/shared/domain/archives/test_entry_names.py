"""Names of entries: which are safe to unpack everywhere, and which two mean one file."""

import pytest

from shared.domain.archives.names import (
    decode_name,
    fold_case,
    refuse_duplicates,
    refuse_invisible,
    refuse_unportable,
)
from tests.support.refusals import raises_refusal

COULD_LEAVE = "has a part that is empty, . or .., and could leave its folder"


@pytest.mark.parametrize(
    "name",
    ["a", "a/", "a/b", "a b/c.d", ".bal", "a..b", "modules/greet/greet.bal", "a/...", "café.md"],
)
def test_a_name_that_stays_in_its_folder_is_taken_as_it_is(name: str) -> None:
    assert decode_name(name.encode()) == name
    assert decode_name(b"x" * 4096) == "x" * 4096


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"", "does not have 1 to 4,096 bytes"),
        (b"x" * 4097, "does not have 1 to 4,096 bytes"),
        ("é".encode() * 2049, "does not have 1 to 4,096 bytes"),
        (b"caf\xe9", "is not UTF-8"),
        (b"/etc/passwd", "is an absolute path"),
        (b"/", "is an absolute path"),
        (b"C:x", "is an absolute path"),
        (b"z:", "is an absolute path"),
        (b"a\\b", "has a backslash"),
        (b"a\0b", "has a control character"),
        (b"a\x7f", "has a control character"),
        ("a\x9f".encode(), "has a control character"),
        (b".", COULD_LEAVE),
        (b"..", COULD_LEAVE),
        (b"../a", COULD_LEAVE),
        (b"a/..", COULD_LEAVE),
        (b"a/../b", COULD_LEAVE),
        (b"a/./b", COULD_LEAVE),
        (b"a//b", COULD_LEAVE),
        (b"a//", COULD_LEAVE),
        ("cafe\u0301".encode(), "is not in Unicode normalization form C"),
    ],
)
def test_any_other_name_is_refused_for_its_reason(name: bytes, reason: str) -> None:
    with raises_refusal("unsafe-name") as refused:
        decode_name(name)
    assert str(refused.value).endswith(f" {reason}. Rename it and pack again.")


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "nul_", "a.con", "longnames~1", "a/b.c d", "co~x"]
)
def test_a_name_that_windows_reads_as_it_is_written_is_portable(name: str) -> None:
    refuse_unportable([name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("main.bal:x", "has a colon"),
        ("a/main.bal.", "ends in a dot or a space"),
        ("a /b", "ends in a dot or a space"),
        ("a/CON", "the part CON, which is a device"),
        ("aux.tar.gz", "the part aux.tar.gz, which is a device"),
        ("Com9 .x/b", "the part Com9 .x, which is a device"),
        ("lpt³", "the part lpt³, which is a device"),
        ("conout$", "the part conout$, which is a device"),
        ("a/PACKAG~1.JSO", "the part PACKAG~1.JSO, which has the form of a short name"),
        ("ab~12", "the part ab~12, which has the form of a short name"),
    ],
)
def test_a_name_that_windows_reads_in_another_way_is_refused(name: str, words: str) -> None:
    with raises_refusal("unsafe-name", match="The entry name ") as refused:
        refuse_unportable(["fine", name])
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "café.md",
        "docs/日本語.md",
        "docs/مرحبا.md",
        "Screenshot at 1.00\u202fPM.png",  # The narrow space that macOS writes.
        "a\u3000b",
        "docs/👍🏽.md",
        "docs/👩🏽\u200d💻.md",
        "docs/❤\ufe0f\u200d🔥.md",
        "docs/🏳\ufe0f\u200d🌈/\u2139\ufe0f/1\ufe0f\u20e3.md",
        "docs/ශ්\u200dරී.md",  # Sri, which has a joiner in Sinhala.
        "docs/क्\u200cष.md",
    ],
)
def test_a_name_that_is_read_as_it_is_written_is_accepted(name: str) -> None:
    refuse_invisible([name])


@pytest.mark.parametrize(
    ("name", "shown", "number"),
    [
        ("docs/\u202egnp.md", r"docs/\u202egnp.md", "202E"),
        ("\u2066a", r"\u2066a", "2066"),
        ("a\u200e", r"a\u200e", "200E"),
        ("a\u061cb", r"a\u061cb", "061C"),
        ("main\u200b.bal", r"main\u200b.bal", "200B"),
        ("main\u200d.bal", r"main\u200d.bal", "200D"),
        ("ab\u200cc", r"ab\u200cc", "200C"),
        ("\ufeffREADME.md", r"\ufeffREADME.md", "FEFF"),
        ("so\u00adft", r"so\xadft", "00AD"),
        ("a\u2060b", r"a\u2060b", "2060"),
        ("a\u2028b", r"a\u2028b", "2028"),
        ("a\u034fb", r"a\u034fb", "034F"),
        ("a\ufe0fb", r"a\ufe0fb", "FE0F"),
        ("1\ufe0f", r"1\ufe0f", "FE0F"),
        ("a\u3164", r"a\u3164", "3164"),
        ("a\u2800", r"a\u2800", "2800"),
        ("a\U000e0041b", r"a\U000e0041b", "E0041"),
        ("é👩\u200d", r"é👩\u200d", "200D"),
        ("❤\ufe0f\ufe0f", r"❤\ufe0f\ufe0f", "FE0F"),
        ("ක්\u200d\u200d", r"ක්\u200d\u200d", "200D"),
    ],
)
def test_a_name_with_an_invisible_character_is_refused_by_its_escapes(
    name: str, shown: str, number: str
) -> None:
    with raises_refusal("unsafe-name") as refused:
        refuse_invisible(["fine", name])
    assert str(refused.value) == (
        f"The entry name {shown} has U+{number}, which is invisible or changes the direction of "
        "text. Rename it and pack again."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("README.md", "readme.MD"),
        ("a", "a/"),
        ("STRASSE", "straße"),
        ("é", "É"),
        ("K", "\u212a"),  # The sign of Kelvin is a K where case is folded.
        ("x/y/A", "x/y/a"),
    ],
)
def test_two_names_of_one_file_are_refused(one: str, other: str) -> None:
    for names in ([one, "b", other], [other, "b", one]):
        with raises_refusal("duplicate-entry") as refused:
            refuse_duplicates(names)
        assert one in str(refused.value)
        assert other in str(refused.value)


@pytest.mark.parametrize(("file", "inside"), [("a", "a/b"), ("A", "a/b/c"), ("x/y", "x/Y/z")])
def test_a_file_that_is_the_folder_of_another_is_refused(file: str, inside: str) -> None:
    with raises_refusal("file-is-folder"):
        refuse_duplicates([inside, "a b", "a.b", "b", file])


def test_names_with_the_same_prefix_are_different_files() -> None:
    refuse_duplicates(["a/", "a/b", "a/c", "ab", "a.b", "a b", "b/a", "b/ab", "c", "cXXd"])


def test_names_are_compared_without_case_in_one_form() -> None:
    assert fold_case("README.md") == "readme.md"
    assert fold_case("CAFÉ") == fold_case("cafe\u0301") == "café"


def test_duplicates_are_named_in_the_order_of_the_archive() -> None:
    for names in (["readme", "README"], ["README", "readme"]):
        with raises_refusal("duplicate-entry", match=f"{names[0]} .*{names[1]}"):
            refuse_duplicates(names)
