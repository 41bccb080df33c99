"""How names and texts are taken apart."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.search.words import (
    WordMark,
    facet_word,
    joined_name,
    mark_words,
    name_words,
    split_words,
    stem,
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("http", ["http"]),
        ("googleapis.sheets", ["googleapis", "sheets", "googleapissheets"]),
        ("azure_functions", ["azure", "functions", "azurefunctions"]),
        ("EchoService", ["echo", "service", "echoservice"]),
        ("ifsCloud.reportArchive", ["ifs", "cloud", "report", "archive"]),
        ("aws.s3", ["aws", "s3", "awss3"]),
        ("1.0.01", ["1", "0", "01", "1001"]),
    ],
)
def test_a_name_is_found_by_its_parts_and_as_one_word(name: str, words: list[str]) -> None:
    assert list(name_words(name)[: len(words)]) == words
    assert joined_name(name) in name_words(name)


def test_words_are_without_case_and_accents() -> None:
    assert split_words("Café-Straße, ÅNGSTRÖM_2!") == ["cafe", "strasse", "angstrom", "2"]


def test_facets_of_values_that_differ_by_case_or_spaces_around_them_are_one() -> None:
    assert facet_word("keyword", " IT Operations ") == facet_word("keyword", "it operations")
    assert facet_word("keyword", "it") != facet_word("org", "it")
    assert facet_word("tool") != facet_word("public")


@given(st.text())
def test_no_text_holds_a_marked_word(text: str) -> None:
    marks = "".join(mark.value for mark in WordMark)
    assert not any(letter in word for word in split_words(text) for letter in marks)


@pytest.mark.parametrize("mark", WordMark)
def test_a_marked_word_is_one_word_for_sqlite(mark: WordMark) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5(words)")
        connection.execute("CREATE VIRTUAL TABLE known USING fts5vocab(texts, row)")
        connection.execute("INSERT INTO texts VALUES (?)", (mark_words(mark, ["http", "s3"]),))
        terms = [row[0] for row in connection.execute("SELECT term FROM known ORDER BY term")]
    assert terms == [f"{mark.value}http", f"{mark.value}s3"]


@pytest.mark.parametrize(
    ("word", "form"),
    [("logging", "log"), ("encryption", "encrypt"), ("databases", "databas"), ("http", "http")],
)
def test_forms_of_a_word_have_one_stem(word: str, form: str) -> None:
    assert stem(word) == form


def test_a_word_that_nobody_speaks_is_its_own_stem() -> None:
    assert stem("running" * 10) == "running" * 10
