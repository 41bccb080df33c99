"""How names and texts are taken apart."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.search.words import WordMark, split_words


@given(st.text())
def test_no_text_holds_a_marked_word(text: str) -> None:
    marks = "".join(mark.value for mark in WordMark)
    assert not any(letter in word for word in split_words(text) for letter in marks)
