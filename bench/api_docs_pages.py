"""Pages and documents of API documentation: what they take when nothing of them is cached.

A client with 40 methods, whose page shows each in full, and 100 records are published in versions
whose sources differ. One page of each version is requested once, after its documentation was made,
so the registry decodes the document and renders each comment. Limit: 30 ms of processor time for
the page of the module and the page of the client. The document of the module is requested again
and again, beside the same bytes from Starlette under the same server: at least 0.25 of its rate.
"""

import os
from itertools import chain

import httpx

from bench.load_generator import load, require_wrk
from bench.pages import BROWSER
from bench.processor_time import processor_seconds
from bench.servers import Server, ballroom, bare, push, workspace
from shared.confined.docs_pages import MEMBERS_IN_FULL
from tests.support.archives import bala

VERSIONS = 20  # Pages of each kind; the clock of processes has ticks of 10 ms.
RECORDS = 100
WARMING = "0.1.0"  # The version whose pages load the code.
MAX_PAGE_MS, MIN_SHARE = 30, 0.25
MODULE = "/packages/acme/shop/{version}/docs/shop"
PAGES = {
    "page of the module": MODULE,
    f"page of a client with {MEMBERS_IN_FULL} methods": f"{MODULE}/Client",
}
DOCUMENT = "/2.0/docs/acme/shop/{version}"

CLIENT = """
# Operations of a shop of version {version}. It needs a `Config`.
public isolated client class Client {{
{methods}
}}
"""
METHOD = """
    # Finds items number {n} of version {version} by their names, and returns them in the order in
    # which they were added.
    #
    # + name - A part of the name number {n} of version {version}
    # + limit - How many items to return at most in version {version}
    # + item - The `Item{n}` of version {version}, which may change
    # + return - The items {n} of version {version}, or an error if the service cannot be reached
    remote isolated function find{n}(string name, int? 'limit, Item{n} item = {{}})
            returns Item{n}[]|error => [];
"""
RECORD = """
# Details of item {n} of version {version}, as the service sends them.
public type Item{n} record {{|
    # The name of item {n}
    string name = "";
    # The items that belong to item {n}
    Item{n}[] parts = [];
|}};
"""


def main() -> None:
    require_wrk()
    versions = [[f"1.{minor}.{patch}" for patch in range(VERSIONS)] for minor in range(len(PAGES))]
    with workspace() as folder, ballroom(folder) as ours, bare(folder) as starlette:
        publish(ours, [WARMING, *chain.from_iterable(versions)])
        for (name, path), own in zip(PAGES.items(), versions, strict=True):
            taken = page_ms(ours, [path.format(version=version) for version in own])
            print(f"{name}: {taken:.1f} ms of processor time (limit: {MAX_PAGE_MS})")
        show_document(ours, starlette, DOCUMENT.format(version=WARMING))
    print(f"\nload average {os.getloadavg()[0]:.1f}")


def publish(ours: Server, versions: list[str]) -> None:
    """Publish the versions, and wait until their documentation is made."""
    with httpx.Client(base_url=ours.url, timeout=60) as client:
        for version in versions:
            entries = {"modules/shop/shop.bal": source(version)}
            push(ours, client, bala(f"acme/shop:{version}", entries=entries))
        for version in versions:
            client.get(DOCUMENT.format(version=version)).raise_for_status()
        # The code of pages is loaded, and the records of the package are read, once in a process.
        for path in PAGES.values():
            client.get(path.format(version=WARMING), headers=BROWSER).raise_for_status()


def source(version: str) -> str:
    """Return the source of a module; no two versions have a comment of a method in common."""
    methods = "".join(METHOD.format(n=n, version=version) for n in range(MEMBERS_IN_FULL))
    records = "".join(RECORD.format(n=n, version=version) for n in range(RECORDS))
    return CLIENT.format(version=version, methods=methods) + records


def page_ms(ours: Server, paths: list[str]) -> float:
    """Return the milliseconds of processor time of a page, each requested once."""
    before = processor_seconds(ours.pid)
    with httpx.Client(base_url=ours.url, headers=BROWSER, timeout=60) as client:
        for path in paths:
            client.get(path).raise_for_status()
    return 1_000 * (processor_seconds(ours.pid) - before) / len(paths)


def show_document(ours: Server, starlette: Server, path: str) -> None:
    """Print the rates of the document of a module, as JSON that is compressed."""
    gzipped = {"Accept-Encoding": "gzip"}
    with httpx.stream("GET", f"{ours.url}{path}", headers=gzipped, timeout=60) as answer:
        sent = b"".join(answer.iter_raw())
    (starlette.folder / "document").write_bytes(sent)
    reference = load(f"{starlette.url}/bytes/document", headers=gzipped)
    measured = load(f"{ours.url}{path}", headers=gzipped)
    share = measured.per_second / reference.per_second
    print(f"document of the module, {len(sent):,} bytes")
    print(f"  ours       {measured}")
    print(f"  Starlette  {reference}")
    print(f"  share      {share:.2f} (limit: at least {MIN_SHARE})")


if __name__ == "__main__":
    main()
