"""From the sources of a release to its documentation, whatever the sources hold."""

import gzip
from collections.abc import Callable
from itertools import chain, repeat

from shared.domain.api_docs.connectors import MAX_LISTED
from shared.domain.api_docs.documents import read_document
from shared.domain.api_docs.generator import NO_TIME_LEFT
from shared.domain.api_docs.records import DocsState
from shared.domain.api_docs.release import (
    GENERATING_SECONDS,
    MAX_UNREAD,
    READING_SECONDS,
    document_release,
)
from shared.domain.api_docs.sources import ReleaseDocs, ReleaseFiles, SourceName
from shared.domain.api_docs.symbols import unpack_symbols
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, ModuleText, Texts

GREET = Coordinate.parse("acme", "greet", "1.0.0")
STOPPED: Callable[[], float] = lambda: 0.0  # noqa: E731 - shorter.


def documented(
    sources: dict[str, bytes | str],
    processor_seconds: Callable[[], float] = STOPPED,
    texts: Texts | None = None,
    exported: tuple[str, ...] = ("greet",),
) -> ReleaseDocs:
    """Return the documentation of sources, by `module/path`."""
    contents = {
        SourceName(*name.split("/"), entry=f"modules/{name}"): content
        for name, content in sorted(sources.items())
    }
    files = ReleaseFiles(GREET, exported, texts or Texts(), Graph(), contents)
    return document_release(files, processor_seconds)


def test_each_exported_module_has_a_document() -> None:
    docs = documented(
        {
            "greet/a.bal": b"# A\npublic function a() {}",
            "greet.sub/b.bal": b"public function b() {}",
            "greet.inner/c.bal": b"public function c() {}",
        },
        exported=("greet", "greet.sub"),
    )
    record = docs.record
    assert (record.state, record.modules) == (DocsState.DONE, ("greet", "greet.sub"))
    assert (record.documented, record.declarations) == (1, 2)
    module = read_document(gzip.decompress(docs.documents["greet.sub"]))
    assert [each.name for each in module.functions] == ["b"]


def test_a_module_without_a_readme_has_none_and_the_default_module_has_that_of_the_package() -> (
    None
):
    texts = Texts(readme="# Greet", modules=(ModuleText(name="greet", summary="Greets."),))
    docs = documented(
        {"greet/a.bal": b"", "greet.sub/b.bal": b""}, texts=texts, exported=("greet", "greet.sub")
    )
    first, second = (
        read_document(gzip.decompress(docs.documents[name])) for name in ("greet", "greet.sub")
    )
    assert (first.description, first.summary, second.description) == ("# Greet", "Greets.", "")


def test_a_file_that_is_not_utf_8_is_left_out_and_said() -> None:
    docs = documented({"greet/a.bal": b"public function a() {}", "greet/b.bal": b"//\n\n\xff"})
    assert docs.record.state is DocsState.PARTIAL
    [unread] = docs.record.unread
    assert (unread.file, unread.reason) == ("b.bal", "the file is not UTF-8, as line 3 shows")
    module = read_document(gzip.decompress(docs.documents["greet"]))
    assert [each.name for each in module.functions] == ["a"]


def test_a_file_that_is_too_large_is_left_out_and_said() -> None:
    docs = documented({"greet/a.bal": "the file has more than 1,024 KiB"})
    assert docs.record.state is DocsState.PARTIAL
    assert "1,024 KiB" in docs.record.unread[0].reason


def test_no_file_is_read_when_the_time_is_over() -> None:
    docs = documented({"greet/a.bal": b"public function a() {}"}, clock(0, READING_SECONDS + 1))
    assert docs.record.state is DocsState.PARTIAL
    assert docs.record.unread[0].reason == "there was no time left to read the file"


def test_no_declaration_is_documented_when_the_time_is_over() -> None:
    source = b"public function a() {}\npublic function b() {}\n\npublic function c() {}"
    # Reading begins, the file is read, generating begins, one declaration is documented.
    docs = documented({"greet/a.bal": source}, clock(0, 0, 0, 0, GENERATING_SECONDS + 1))
    assert docs.record.state is DocsState.PARTIAL
    [unread] = docs.record.unread
    assert (unread.file, unread.first, unread.last) == ("a.bal", 2, 4)
    assert unread.reason == NO_TIME_LEFT
    module = read_document(gzip.decompress(docs.documents["greet"]))
    assert [each.name for each in module.functions] == ["a"]


def clock(*seconds: float) -> Callable[[], float]:
    """Return a clock that shows these times in turn, and then the last one."""
    return chain(seconds, repeat(seconds[-1])).__next__


def test_what_cannot_be_read_is_said_with_its_lines() -> None:
    docs = documented({"greet/a.bal": b"public function a() {}\n\npublic type = ;\n"})
    assert docs.record.state is DocsState.PARTIAL
    assert docs.record.unread[0].first == 3


def test_a_readme_in_place_of_a_source_is_partial_and_not_long() -> None:
    text = b"# Greets\n\nThis is a readme, not a source.\n\n" * 500
    docs = documented({"greet/a.bal": text})
    assert docs.record.state is DocsState.PARTIAL
    assert 0 < len(docs.record.unread) <= MAX_UNREAD


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


def test_a_release_lists_few_connectors_with_short_labels() -> None:
    display = f'@display {{label: "{"x" * 200_000}", iconPath: "{"y" * 200_000}"}}'
    clients = " ".join(f"public client class C{n} {{}}" for n in range(MAX_LISTED * 2))
    docs = documented({"greet/a.bal": f"{display} {clients}".encode()})
    assert len(docs.record.api.connectors) == MAX_LISTED
    assert len(docs.record.model_dump_json()) < 64 * 1024
