"""The words of two signatures as one text."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.changed_words import (
    ChangedWords,
    CompareRoom,
    WordChange,
    changed_words,
)

KEPT, DELETED, INSERTED = WordChange.KEPT, WordChange.DELETED, WordChange.INSERTED


def words(before: str, after: str, pairs: int = 1_000) -> list[tuple[WordChange, str]]:
    return [(each.change, each.text) for each in changed_words(before, after, CompareRoom(pairs))]


def test_only_the_changed_words_are_marked() -> None:
    assert words("f(int a)", "f(string a)") == [
        (KEPT, "f("),
        (DELETED, "int"),
        (INSERTED, "string"),
        (KEPT, " a)"),
    ]


def test_what_exists_once_is_deleted_or_inserted_as_a_whole() -> None:
    assert words("f()", "") == [(DELETED, "f()")]
    assert words("", "f()") == [(INSERTED, "f()")]
    assert words("", "") == []


def test_texts_without_room_are_replaced_as_a_whole() -> None:
    room = CompareRoom(10)
    assert len(changed_words("a b", "a c", room)) == 3
    assert room.pairs == 1
    assert changed_words("a b", "a c", room) == [
        ChangedWords(DELETED, "a b"),
        ChangedWords(INSERTED, "a c"),
    ]


@given(st.text("ab ,(|)", max_size=12), st.text("ab ,(|)", max_size=12))
def test_the_marked_words_are_those_of_both_texts(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(text for change, text in found if change is not INSERTED) == before
    assert "".join(text for change, text in found if change is not DELETED) == after
