"""The lexer of Ballerina: real sources contain no error token."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pygments.token import Error, Token
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from shared.prose.highlighting import BallerinaLexer
from shared.prose.rendering import highlight
from tests.paths import BALAS

TOUR = Path(__file__).with_name("tour.bal")


class Page(SingleFileSnapshotExtension):
    """A golden that a browser can open."""

    file_extension = "html"
    _write_mode = WriteMode.TEXT


def kinds(code: str) -> list[tuple[str, str]]:
    """Return the tokens of a line that are not blanks, with what they are."""
    tokens = BallerinaLexer(ensurenl=False).get_tokens(code)
    return [(str(kind).removeprefix("Token."), value) for kind, value in tokens if value.strip()]


def sources() -> Iterator[tuple[str, str]]:
    """Read every source of the real archives."""
    for bala in sorted(BALAS.glob("*.bala")):
        with zipfile.ZipFile(bala) as archive:
            for name in archive.namelist():
                if name.endswith(".bal"):
                    yield f"{bala.name}/{name}", archive.read(name).decode()


def test_sources_of_real_archives_have_no_unknown_character() -> None:
    read = 0
    for name, code in sources():
        unknown = [value for kind, value in BallerinaLexer().get_tokens(code) if kind in Error]
        assert not unknown, (name, unknown)
        read += 1
    assert read >= 10


def test_a_tour_of_the_language_looks_like_this(snapshot: SnapshotAssertion) -> None:
    code = TOUR.read_text("utf-8")
    assert all(kind is not Token.Error for kind, _ in BallerinaLexer().get_tokens(code))
    assert str(highlight(TOUR.name, code)) == snapshot(extension_class=Page)


def test_syntax_that_the_language_does_not_have_is_marked() -> None:
    assert ("Error", "\u00a7") in kinds("int x = \u00a7;")


@pytest.mark.parametrize(
    ("code", "kind", "value"),
    [
        ("import x/y.z as 'type;", "Name.Namespace", "x/y.z"),
        ("public function main() {", "Name.Function", "main"),
        ("@http:ServiceConfig {", "Name.Decorator", "@http:ServiceConfig"),
        ("io:println()", "Name.Namespace", "io"),
        ("'order = 1", "Name", "'order"),
        ("0xFFp3", "Literal.Number.Float", "0xFFp3"),
        ("naïve = 1", "Name", "naïve"),
    ],
)
def test_kinds_of_words_are_distinguished(code: str, kind: str, value: str) -> None:
    assert (kind, value) in kinds(code)


def test_an_expression_in_a_template_ends_at_its_own_brace() -> None:
    assert ("Literal.String.Backtick", " b") in kinds("string `${{x: {y: 1}}} b`")


def test_a_string_ends_with_its_line() -> None:
    assert ("Keyword.Type", "int") in kinds('string a = "no end\nint b = 1;')
