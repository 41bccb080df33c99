"""API documentation: from sources to a document, as the queue makes it after a push.

The sources are generated: clients, records, errors and enums with doc comments, as connectors have
them. Limits in processor time: 100 ms for a package of 100 KB, 1 s for a module of 1 MB, 20 ms to
read 1 MB of a document back.
"""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from shared.ballerina.declarations import read_source
from shared.domain.api_docs.documents import read_document, write_document
from shared.domain.api_docs.generator import ModuleSource, PackageSources
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.packages import Graph, GraphNode
from shared.domain.versions import Version
from tests.support.documented import generate

T = TypeVar("T")

RUNS = 7
FILES = 8
KB = 1_000
COORDINATE = Coordinate(Package(OrgName("acme"), PackageName("shop")), Version.parse("1.0.0"))
GRAPH = Graph(nodes=(GraphNode(org="ballerina", name="http", version="2.12.1"),))

PART = """
# Details of item {n}, as the service sends them.
#
# + id - The unique number of the item
# + name - What people call it,
#          which may change
# + parent - The item that this one belongs to
public type Item{n} record {{|
    *Base;
    readonly int id = {n};
    string name?;
    Item{n}? parent = ();
    map<string|int[]> labels = {{}};
    (Item{n} & readonly)[] children?;
|}};

# What went wrong with item {n}.
public type Item{n}Error distinct error<Item{n}>;

public enum Kind{n} {{ SMALL{n}, LARGE{n} = "large" }}

# Operations on items of kind {n}.
@display {{label: "Items"}}
public isolated client class Items{n} {{
    private final http:Client inner;

    # Opens a connection.
    #
    # + config - Settings of the connection
    # + return - An error if the service cannot be reached
    public isolated function init(Settings config = {{}}) returns error? {{
        self.inner = check new ("https://example.org", {{timeout: config.timeout}});
    }}

    # Finds items by their names.
    # ```ballerina
    # Item{n}[] found = check items->find("a");
    # ```
    #
    # + name - A part of the name
    # + limit - How many at most
    # + return - The items, or an error
    @display {{label: "Find"}}
    remote isolated function find(string name, int? 'limit = 10, *Base base)
            returns stream<Item{n}, error?>|Item{n}Error {{
        string text = string `{{"name": "${{name}}", "limit": ${{'limit ?: 10}}}}`;
        return self.inner->post(string `/items/${{text}}`, {{name, "limit": 'limit}});
    }}

    resource isolated function get items/[string id]/parts(typedesc<anydata> t = <>)
            returns t|error = external;
}}
"""
HEAD = """
import ballerina/http;

type Base record {| string requestId?; |};
public type Settings record {| decimal timeout = 30; |};
"""


@dataclass(frozen=True)
class Work:
    """What one package takes, in seconds, and its document."""

    reading: float
    generating: float
    writing: float
    loading: float
    document: bytes

    @property
    def total(self) -> float:
        return self.reading + self.generating + self.writing


def main() -> None:
    packages = ("package of 100 KB", 100 * KB, 100), ("module of 1 MB", KB * KB, 1000)
    for name, size, limit_ms in packages:
        files = dict(sources(size))
        runs = [work(files) for _ in range(RUNS)]
        middle = sorted(runs, key=lambda run: run.total)[RUNS // 2]
        show(name, files, middle, limit_ms)
    print(f"\nload average {os.getloadavg()[0]:.1f}")


def sources(size: int) -> Iterator[tuple[str, str]]:
    """Yield files of about `size` bytes in all."""
    parts = size // len(PART.format(n=1000))
    for file in range(FILES):
        body = "".join(PART.format(n=n) for n in range(file, parts, FILES))
        yield f"file{file}.bal", (HEAD if file == 0 else "import ballerina/http;\n") + body


def work(files: dict[str, str]) -> Work:
    reading, read = timed(lambda: tuple(read_source(*each) for each in files.items()))
    package = PackageSources(COORDINATE, (ModuleSource(name="shop", files=read),))
    generating, docs = timed(lambda: generate(package, GRAPH))
    assert not docs.unread, docs.unread[:1]
    writing, document = timed(lambda: write_document(docs.modules[0]))
    loading, module = timed(lambda: read_document(document))
    assert module == docs.modules[0]
    return Work(reading, generating, writing, loading, document)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    began = time.process_time()
    result = call()
    return time.process_time() - began, result


def show(name: str, files: dict[str, str], middle: Work, limit_ms: int) -> None:
    kilobytes = sum(len(text) for text in files.values()) / KB
    megabytes = len(middle.document) / KB / KB
    stored = len(gzip.compress(middle.document)) / KB
    print(f"{name} ({kilobytes:.0f} KB), median of {RUNS} runs")
    print(f"  {_ms(middle.total)} (limit: {limit_ms})")
    print(f"  reading {_ms(middle.reading)}, {kilobytes / middle.reading / KB:.1f} MB/s")
    print(f"  generating {_ms(middle.generating)}, writing {_ms(middle.writing)}")
    print(f"  a document of {megabytes:.1f} MB, {stored:.0f} KB compressed")
    print(f"  read back in {_ms(middle.loading / megabytes)} for each MB (limit: 20)")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main()
