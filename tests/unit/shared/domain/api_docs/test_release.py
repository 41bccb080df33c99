"""From the sources of a release to its modules and its record, whatever the sources hold."""

from dataclasses import dataclass

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.generator import DocsGenerator, ModuleSource
from shared.domain.api_docs.item_summaries import MAX_LISTED
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.records import ApiDocsRecord, DocsState, UnreadLines
from shared.domain.api_docs.release import (
    MAX_UNREAD,
    ModuleFacts,
    SourceName,
    read_sources,
    release_record,
    symbols_of,
)
from shared.domain.api_docs.symbols import unpack_symbols
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph
from shared.domain.packages import ModuleText, Texts
from tests.support.documented import documented as module_of

GREET = Coordinate.parse("acme", "greet", "1.0.0")


def read(
    sources: dict[str, bytes], texts: Texts | None = None, exported: tuple[str, ...] = ("greet",)
) -> tuple[list[ModuleSource], list[UnreadLines]]:
    """Read sources, by `module/path`."""
    contents = {
        SourceName(*name.split("/"), entry=f"modules/{name}"): content
        for name, content in sorted(sources.items())
    }
    return read_sources("greet", exported, texts or Texts(), contents)


@dataclass(frozen=True)
class Docs:
    """The documentation of a release, as the confined process puts it together."""

    record: ApiDocsRecord
    modules: dict[str, ModuleDocs]


def documented(sources: dict[str, bytes], exported: tuple[str, ...] = ("greet",)) -> Docs:
    found, unread = read(sources, exported=exported)
    generator = DocsGenerator(GREET, found, Graph())
    made = {each.name: generator.module(each) for each in generator.exported}
    facts = [
        ModuleFacts.of(docs, (*(each for each in unread if each.module == name), *lines))
        for name, (docs, lines) in made.items()
    ]
    return Docs(release_record(facts), {name: docs for name, (docs, _) in made.items()})


def test_modules_are_those_that_have_sources_or_are_exported_the_default_one_first() -> None:
    found, unread = read(
        {"greet/a.bal": b"", "greet/b.bal": b"", "greet.inner/c.bal": b""},
        exported=("greet", "greet.sub"),
    )
    names = [(each.name, len(each.files), each.is_exported) for each in found]
    assert names == [("greet", 2, True), ("greet.inner", 1, False), ("greet.sub", 0, True)]
    assert unread == []


def test_a_module_without_a_readme_has_none_and_the_default_one_that_of_the_package() -> None:
    texts = Texts(readme="# Greet", modules=(ModuleText(name="greet", summary="Greets."),))
    found, _ = read(
        {"greet/a.bal": b"", "greet.sub/b.bal": b""}, texts=texts, exported=("greet", "greet.sub")
    )
    first, second = found
    assert (first.readme, first.summary, second.readme) == ("# Greet", "Greets.", "")


def test_a_file_that_is_not_utf_8_is_left_out_and_said() -> None:
    docs = documented({"greet/a.bal": b"public function a() {}", "greet/b.bal": b"//\n\n\xff"})
    assert docs.record.state is DocsState.PARTIAL
    [unread] = docs.record.unread
    assert (unread.file, unread.reason) == ("b.bal", "the file is not UTF-8, as line 3 shows")
    assert [each.name for each in docs.modules["greet"].functions] == ["a"]


def test_a_long_name_is_not_repeated_by_its_members() -> None:
    name = "C" * 300_000
    methods = " ".join(f"public function m{n}() {{}}" for n in range(2_000))
    docs = documented({"greet/a.bal": f"public class {name} {{ {methods} }}".encode()})
    assert docs.record.state is DocsState.PARTIAL
    assert "256 characters" in docs.record.unread[0].reason
    assert docs.record.declarations == 0


def test_a_member_with_a_long_name_is_no_symbol() -> None:
    docs = documented({"greet/a.bal": f"public enum E {{ {'M' * 300_000}, N }}".encode()})
    assert [each.title for each in unpack_symbols(docs.record.symbols)] == ["E", "E.N"]


@pytest.mark.parametrize(
    ("init", "creation"),
    [
        ("", "new ()"),
        ("public function init() {}", "new ()"),
        (
            'public function init(int a, string b = ") returns") {}',
            'new (int a, string b = ") returns")',
        ),
        ("public function init(function () returns int f) {}", "new (function () returns int f)"),
        ("public function init(*Config c) returns error? {}", "check new (*Config c)"),
    ],
)
def test_a_client_says_how_it_is_made(init: str, creation: str) -> None:
    source = f"public type Config record {{}}; public client class Client {{ {init} }}"
    [client] = [each for each in symbols_of(module_of(source)) if each.name == "Client"]
    assert client.creation == creation


def test_a_release_lists_few_connectors_with_short_labels() -> None:
    display = f'@display {{label: "{"x" * 200_000}", iconPath: "{"y" * 200_000}"}}'
    clients = " ".join(f"public client class C{n} {{}}" for n in range(MAX_LISTED * 2))
    docs = documented({"greet/a.bal": f"{display} {clients}".encode()})
    assert len(docs.record.api.connectors) == MAX_LISTED
    assert len(docs.record.model_dump_json()) < 64 * 1024


def test_a_release_has_few_unread_lines_however_many_modules_it_has() -> None:
    line = UnreadLines(module="greet", file="a.bal", first=1, last=1, reason="no name")
    facts = ModuleFacts(module="greet", unread=(line,) * 60)
    record = release_record([facts, facts.model_copy(update={"module": "greet.sub"})])
    assert record.modules == ("greet", "greet.sub")
    assert len(record.unread) == MAX_UNREAD


SOURCE = """
# Sends requests. More of it.
public isolated client class Client {
    # Where it sends to.
    public final string url = "";

    public function init(string url) {}

    # Gets a user.
    #
    # + id - Of the user
    # + return - The user
    resource isolated function get users/[int id]() returns User|error => error("");
}

# A user.
public type User record {|
    int id;
|};

public enum Color { RED, GREEN = "g" }

configurable int port = 80;

@deprecated
public const LIMIT = 1;

function hidden() {}
"""


def test_declarations_and_their_members_are_symbols_but_fields_of_records_are_not(
    snapshot: SnapshotAssertion,
) -> None:
    symbols = list(symbols_of(module_of(SOURCE)))
    assert list(map(repr, symbols)) == snapshot
    assert [each.name for each in symbols if each.is_deprecated] == ["LIMIT"]
