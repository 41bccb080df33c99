"""How much memory decoded listings take, by which the cache of them is bounded."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from shared.adapters.search.decoded_listings import memory_of_listing
from shared.adapters.search.rows import excerpt, parse_listing, unpack_listing, write_listing
from shared.domain.api_docs.item_summaries import ApiSummary, ConnectorSummary
from shared.domain.listings import Listing
from shared.domain.packages import Dependency, ModuleText, Texts
from tests.contract.sample_records import head, release
from tests.support.memory import memory_taken

pytestmark = pytest.mark.measured

MANY = range(100)


def listing(number: int, readme: str = "", mentions: int = 0, **fields: Any) -> Listing:
    texts = Texts(
        readme=f"{number} {readme}",
        modules=tuple(
            ModuleText(name=name, summary=f"{name} greets.") for name in fields.get("modules", ())
        ),
    )
    named = release(f"acme/greet{number}:1.0.0", summary=f"Greets people {number}.", **fields)
    found = tuple(f"host-{number}-{each}.example.org" for each in range(mentions))
    return Listing(head(f"acme/greet{number}"), named, texts, mentions=found)


def typical(number: int) -> Listing:
    needed = ("http", "io", "log", "time", "url")
    return listing(
        number,
        "Says hello. " * 100,
        keywords=tuple(f"{word}{number}" for word in ("greeting", "hello", "people")),
        modules=(f"greet{number}", f"greet{number}.formal"),
        dependencies=tuple(Dependency(org="acme", name=name, version="2.1.0") for name in needed),
    )


def of_many_dependencies(number: int) -> Listing:
    names = [f"p{number}of{each}" for each in MANY]
    return listing(
        number,
        dependencies=tuple(Dependency(org="acme", name=name, version="1.0.0") for name in names),
    )


def of_many_connectors(number: int) -> Listing:
    connectors = tuple(
        ConnectorSummary(id=each, module=f"greet{number}", name=f"Client{number}of{each}")
        for each in MANY
    )
    return replace(typical(number), api=ApiSummary(connectors=connectors))


LISTINGS: dict[str, Callable[[int], Listing]] = {
    "typical": typical,
    "small": listing,
    "wide": partial(listing, readme="\U0001f600" * 2_000),
    "quoting": partial(listing, readme='"x" ' * 500),
    "mentions": partial(listing, mentions=len(MANY)),
    "modules": lambda number: listing(
        number, modules=tuple(f"greet{number}.m{each}" for each in MANY)
    ),
    "dependencies": of_many_dependencies,
    "connectors": of_many_connectors,
}


@pytest.mark.parametrize("name", LISTINGS)
def test_the_weight_of_listings_is_about_the_memory_that_they_take(name: str) -> None:
    documents = [
        unpack_listing(write_listing(excerpt(LISTINGS[name](number)))) for number in range(50)
    ]
    parse_listing(documents[0])  # The first one builds the models.
    kept = list[Listing]()
    taken = memory_taken(lambda: kept.extend(map(parse_listing, documents)))
    weights = map(memory_of_listing, kept, map(len, documents))
    assert 0.7 * taken < sum(weights) < 1.4 * taken
