"""How names and texts are taken apart."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.sqlite.searching.words import (
    Mark,
    facet,
    marked,
    name_words,
    squashed,
    words_of,
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
    assert name_words(name)[: len(words)] == words
    assert squashed(name) in name_words(name)


def test_words_are_without_case_and_accents() -> None:
    assert words_of("Café-Straße, ÅNGSTRÖM_2!") == ["cafe", "strasse", "angstrom", "2"]


def test_facets_of_values_that_differ_by_case_or_spaces_around_them_are_one() -> None:
    assert facet("keyword", " IT Operations ") == facet("keyword", "it operations")
    assert facet("keyword", "it") != facet("org", "it")
    assert facet("tool") != facet("public")


@given(st.text())
def test_no_text_holds_a_marked_word(text: str) -> None:
    marks = "".join(mark.value for mark in Mark)
    assert not any(letter in word for word in words_of(text) for letter in marks)


@pytest.mark.parametrize("mark", Mark)
def test_a_marked_word_is_one_word_for_sqlite(mark: Mark) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5(words)")
        connection.execute("CREATE VIRTUAL TABLE known USING fts5vocab(texts, row)")
        connection.execute("INSERT INTO texts VALUES (?)", (marked(mark, ["http", "s3"]),))
        terms = [row[0] for row in connection.execute("SELECT term FROM known ORDER BY term")]
    assert terms == [f"{mark.value}http", f"{mark.value}s3"]
