"""The command that compares the documentation of sources with a document of Central."""

import json
from pathlib import Path

import pytest

from shared.domain.api_docs.documents import write_document
from tests.conformance.docs import main
from tests.support.documented import documented

MANIFEST = '[package]\norg = "acme"\nname = "shop"\nversion = "1.2.0"\n'
LOCK = '[[package]]\norg = "ballerina"\nname = "http"\nversion = "2.12.1"\n'
SHOP = """
import ballerina/http;
# Sells.
# + item - what
# + return - the answer
public isolated function sell(string item, http:Request request) returns parts:Part|error { }
public client class Client { remote function f() { } public function init() { } }
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "Ballerina.toml").write_text(MANIFEST, "utf-8")
    (tmp_path / "Dependencies.toml").write_text(LOCK, "utf-8")
    (tmp_path / "main.bal").write_text(f"import shop.parts;{SHOP}", "utf-8")
    parts = tmp_path / "modules" / "parts"
    parts.mkdir(parents=True)
    (parts / "parts.bal").write_text("public type Part record { };", "utf-8")
    return tmp_path


def answer(package: Path, source: str) -> str:
    """Store an answer about a source."""
    (package / "answer.json").write_text(write_document(documented(source)).decode(), "utf-8")
    return str(package / "answer.json")


def test_the_same_documentation_is_wholly_equal(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SHOP.replace("parts:Part|error", "error")
    (package / "main.bal").write_text(source, "utf-8")
    assert main(str(package), answer(package, source)) == 0
    assert "parameters: 2 of 2, 100.0%" in capsys.readouterr().out


def test_lists_may_be_strings_of_json_and_the_version_that_of_the_answer(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "public type Item record { };\npublic function f(Item i) { }"
    (package / "main.bal").write_text(source, "utf-8")
    (package / "Dependencies.toml").unlink()
    functions = json.loads(write_document(documented(source)))["docsData"]["modules"][0]
    text = json.dumps(functions["functions"]).replace("1.2.0", "3.0.0")
    (package / "answer.json").write_text(
        json.dumps({"docsData": {"modules": [{"functions": text}]}}), "utf-8"
    )
    assert main(str(package), str(package / "answer.json")) == 0
    assert "type trees: 1 of 1, 100.0%" in capsys.readouterr().out


def test_each_difference_is_printed(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = SHOP.replace("parts:Part|error", "error").replace("Sells", "Buys")
    assert main(str(package), answer(package, source)) == 1
    printed = capsys.readouterr().out
    assert "descriptions of functions.sell:\n  'Sells.\\n'\n  'Buys.\\n'" in printed
    assert "type trees of functions.sell.return" in printed


def test_types_that_central_did_not_resolve_are_counted_apart(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SHOP.replace("import ballerina/http;", "")  # So its prefix means nothing there.
    main(str(package), answer(package, source))
    assert "type trees that Central did not resolve: 2" in capsys.readouterr().out


def test_lines_that_are_not_read_are_printed(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "broken.bal").write_text("public function f( {\n", "utf-8")
    main(str(package), answer(package, SHOP))
    assert "broken.bal:1-1 was not read" in capsys.readouterr().out
