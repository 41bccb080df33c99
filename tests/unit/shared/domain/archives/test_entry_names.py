"""Which names of files in archives are safe to unpack everywhere."""

import pytest

from shared.domain.archives.entry_names import (
    decode_name,
    refuse_duplicates,
    refuse_invisible,
    refuse_unportable,
)
from tests.support.refusals import raises_refusal


@pytest.mark.parametrize(
    "name",
    ["a", "a/", "a/b", "a b/c.d", ".bal", "a..b", "modules/greet/greet.bal", "a/...", "café.md"],
)
def test_a_name_that_stays_in_its_folder_is_taken_as_it_is(name: str) -> None:
    assert decode_name(name.encode()) == name
    assert decode_name(b"x" * 4096) == "x" * 4096


# What tests/security refuses is not repeated here.
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("é" * 2049, "does not have 1 to 4,096 bytes"),
        ("z:", "is an absolute path"),
        ("a\x7f", "has a control character"),
        ("a\x9f", "has a control character"),
        (".", "has a part that is empty, . or .., and could leave its folder"),
        ("a//", "has a part that is empty, . or .., and could leave its folder"),
    ],
)
def test_any_other_name_is_refused_for_its_reason(name: str, reason: str) -> None:
    with raises_refusal("unsafe-name") as refused:
        decode_name(name.encode())
    assert str(refused.value).endswith(f" {reason}. Rename it and pack again.")


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "nul_", "a.con", "longnames~1", "a/b.c d", "co~x"]
)
def test_a_name_that_windows_reads_as_it_is_written_is_portable(name: str) -> None:
    refuse_unportable([name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a /b", "ends in a dot or a space"),
        ("Com9 .x/b", "the part Com9 .x, which is a device"),
        ("lpt³", "the part lpt³, which is a device"),
        ("conout$", "the part conout$, which is a device"),
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
        "docs/日本語.md",
        "docs/مرحبا.md",
        "Screenshot at 1.00\u202fPM.png",  # The narrow space that macOS writes.
        "a\u3000b",
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
    ("name", "number"),
    [
        ("\u2066a", "2066"),
        ("a\u200e", "200E"),
        ("a\u061cb", "061C"),
        ("ab\u200cc", "200C"),
        ("\ufeffREADME.md", "FEFF"),
        ("a\u2060b", "2060"),
        ("a\u2028b", "2028"),
        ("a\u034fb", "034F"),
        ("a\ufe0fb", "FE0F"),
        ("1\ufe0f", "FE0F"),
        ("a\u3164", "3164"),
        ("a\u2800", "2800"),
        ("a\U000e0041b", "E0041"),
        ("é👩\u200d", "200D"),
        ("❤\ufe0f\ufe0f", "FE0F"),
        ("ක්\u200d\u200d", "200D"),
        ("so\u00adft", "00AD"),
    ],
)
def test_a_name_with_an_invisible_character_is_refused_by_its_escapes(
    name: str, number: str
) -> None:
    with raises_refusal("unsafe-name") as refused:
        refuse_invisible(["fine", name])
    assert name not in str(refused.value)
    assert f" has U+{number}, which is invisible" in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("a", "a/"),
        ("STRASSE", "straße"),
        ("é", "É"),
        ("K", "\u212a"),  # The sign of Kelvin is a K where case is folded.
    ],
)
def test_two_names_of_one_file_are_refused(one: str, other: str) -> None:
    for names in ([one, "b", other], [other, "b", one]):
        first, _, second = names
        with raises_refusal("duplicate-entry", match=f"{first} .*{second}"):
            refuse_duplicates(names)


def test_names_with_the_same_prefix_are_different_files() -> None:
    refuse_duplicates(["a/", "a/b", "a/c", "ab", "a.b", "a b", "b/a", "b/ab", "c", "cXXd"])
