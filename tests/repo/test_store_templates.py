"""The stores that the templates make are those that the adapters use."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.adapters.blob.client import BLOB_CONTAINERS
from shared.adapters.cosmos.client import COSMOS_CONTAINERS, DATABASE
from tests.paths import ROOT
from tests.support.bicep_templates import MAIN, module, template

ADAPTERS = ROOT / "shared" / "adapters" / "cosmos"

# Which containers each module of the adapters asks, or a class in it.
ASKED = {
    "client.py": {"packages"},  # For the other modules: the items with an id of some partitions.
    "directory.py": {"accounts", "tokens"},
    "CosmosWork": {"work"},
    "events.py": {"events"},
    "listings.py": {"packages"},
    "metadata.py": {"packages"},
    "outboxes.py": {"packages", "accounts", "tokens"},
    "pull_ledger.py": {"stats"},
    "pull_records.py": {"stats"},
}
ALWAYS_INDEXED = {"id", "_ts"}  # By the service itself.


def made() -> Mapping[str, Mapping[str, Any]]:
    """Return the containers of the template by name."""
    return {each["name"]: each for each in module("cosmos").value("containers")}


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query, with what asks it."""
    for path in sorted(ADAPTERS.glob("*.py")):
        for part in ast.parse(path.read_text()).body:
            name = getattr(part, "name", "")
            for text in texts(part):
                if re.match(r"SELECT\b.*\bFROM c\b", text):
                    yield name if name in ASKED else path.name, text


def texts(part: ast.AST) -> Iterator[str]:
    """Yield every text of a module's part; those that stand behind one another are one."""
    for node in ast.walk(part):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def conditions(query: str) -> str:
    """Return what the service looks for, and in which order; not what it returns."""
    return query.partition(" WHERE ")[2]


def paths_of(text: str) -> set[str]:
    """Return the paths of items that a text names."""
    return set(re.findall(r"\bc\.([\w.]+)", text))


def order_of(query: str) -> list[str]:
    """Return the paths that a query orders by."""
    return re.findall(r"\bc\.(\w+)", query.partition("ORDER BY")[2])


def indexed(container: str) -> set[str]:
    """Return the paths that a container indexes."""
    paths = made()[container]["indexed"]
    named = {path.removeprefix("/").removesuffix("/?").removesuffix("/[]") for path in paths}
    return {path.replace("/", ".") for path in named}


def test_the_database_has_the_containers_of_the_adapters() -> None:
    plans = {each.name: (each.path, each.ends) for each in COSMOS_CONTAINERS}
    assert {name: (each["path"], each["ends"]) for name, each in made().items()} == plans
    databases = [
        config["properties"]["resource"]["id"]
        for _, type_, config in module("cosmos").resources()
        if type_.endswith("/sqlDatabases")
    ]
    assert databases == [DATABASE]


def test_every_path_that_a_query_asks_for_is_indexed() -> None:
    missing = [
        f"{container}: {query}"
        for name, query in queries()
        for container in ASKED[name]
        if paths_of(conditions(query)) - indexed(container) - ALWAYS_INDEXED
    ]
    assert missing == []


def test_nothing_is_indexed_that_no_query_asks_for() -> None:
    for container in made():
        asked = {"pk"}.union(
            *(paths_of(conditions(q)) for name, q in queries() if container in ASKED[name])
        )
        assert indexed(container) <= asked, container
    assert "excludedPaths: [{ path: '/*' }]" in module("cosmos").text


def test_every_order_by_more_than_one_path_has_its_index() -> None:
    missing = [
        f"{container}: {query}"
        for name, query in queries()
        for container in ASKED[name]
        if len(order_of(query)) > 1 and order_of(query) not in composites(container)
    ]
    assert missing == []


def composites(container: str) -> list[list[str]]:
    """Return the composite indexes of a container, as the paths of each."""
    found = made()[container]["composite"]
    return [[part["path"].removeprefix("/") for part in index] for index in found]


def test_the_account_has_the_containers_of_the_adapters() -> None:
    given = template(MAIN).given("registryStorage")
    assert given["containers"] == list(BLOB_CONTAINERS)
    assert given["dayContainers"] == ["uploads"]
    assert given["backupContainers"] == ["backups"]
