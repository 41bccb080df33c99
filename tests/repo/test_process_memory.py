"""docs/host-limits.md says how much memory the caches of a process take at most: all of them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import pytest

from shared.services.publishing.maven import VERSION_LISTS_CACHED_BYTES
from tests.paths import docs
from tests.repo.product_source import Module, product

MACHINE, CLOUD = "on one machine", "in the cloud"
CACHES = {"LruCache", "VersionedCache"}
MECHANISM = "shared/runtime/caching.py"


@dataclass(frozen=True)
class Kept:
    """What an entry of a cache takes: a byte if the capacity is in bytes of memory.

    `capacity` is the constant if the cache is created with a parameter.
    """

    each: int = 1
    world: str = ""  # Both if it is empty.
    capacity: str = ""


BYTES = Kept()
# Measured with tracemalloc, or as the comment of the capacity says.
KEPT = {
    "functions/http/calls.py _make_anonymous_principal": Kept(750),
    "functions/http/compression.py _immutable": BYTES,
    "functions/http/formatting.py _formatted": Kept(270),
    "functions/http/pages.py fragment": Kept(1_000),
    "functions/maven/paths.py _parse": Kept(620),
    "shared/adapters/blob/documents.py _cache": Kept(world=CLOUD),
    "shared/adapters/blob/public_copies.py _seen": Kept(2 * 200, CLOUD),  # There are two.
    "shared/adapters/cloud_search/index.py _own_changes": Kept(10_000, CLOUD),
    "shared/adapters/cosmos/metadata.py _cache": Kept(1, CLOUD, "SURVEYS_CACHED_BYTES"),
    "shared/adapters/cosmos/metadata.py _pointers": Kept(700, CLOUD),
    "shared/adapters/search/index.py _found": Kept(300),
    "shared/adapters/search/ordering.py _kept": Kept(8_000),
    "shared/adapters/search/places.py readme_text": Kept(2_000_000),
    "shared/adapters/search/words.py name_words": Kept(470),
    "shared/adapters/search/words.py stem": Kept(210),
    "shared/adapters/sqlite/metadata.py _cache": Kept(1, MACHINE, "SURVEYS_CACHED_BYTES"),
    "shared/auth/authentication.py _recorded": Kept(250),
    "shared/auth/authentication.py _reported": Kept(250),
    "shared/auth/authentication.py _verified": Kept(1_024),
    "shared/auth/authorization.py _known": Kept(512),
    "shared/auth/sessions.py _cache": Kept(1_024),
    "shared/domain/ip_addresses.py _networks": Kept(1_000),
    "shared/domain/ip_addresses.py _remembered": Kept(250),
    "shared/domain/ip_addresses.py caller_network": Kept(250),
    "shared/domain/versions.py _parse": Kept(320),
    "shared/hosting/answer_cache.py _answers": Kept(1, MACHINE, "CAPACITY_BYTES"),
    "shared/hosting/http_server/server.py _counted_as": Kept(250, MACHINE),
    "shared/hosting/requests.py _is_host": Kept(200, MACHINE),
    "shared/hosting/routing.py _trees": Kept(100_000, MACHINE),
    "shared/prose/manual.py read_manual": Kept(700_000),
    "shared/services/api_docs/api_docs_generation.py _ends": Kept(250),
    "shared/services/api_docs/api_docs_queue.py _renewed": Kept(250),
    "shared/services/api_docs/on_demand.py _ends": Kept(2 * 400),  # There are two.
    "shared/services/api_docs/pieces.py _blocks": BYTES,
    "shared/services/api_docs/pieces.py _records": BYTES,
    "shared/services/api_docs/pieces.py _roots": BYTES,
    "shared/services/limits/burst_detection.py _counted": Kept(200),
    "shared/services/limits/rate_limits.py _exceeded": Kept(300),
    "shared/services/limits/rate_limits.py _failed": Kept(300),
    "shared/services/mirroring/upstream_cache.py _failed": Kept(500),
    "shared/services/mirroring/upstream_cache.py _kept": BYTES,
    "shared/services/mirroring/name_owners.py _owners": Kept(300),
    "shared/services/mirroring/refreshing.py _refreshed": Kept(250),
    "shared/services/mirroring/version_lists.py _facts": BYTES,
    "shared/services/packages/archive_files.py _lists": BYTES,
    # Those of the index; `_version_lists` of Maven is one, and `_by_distribution` has the others.
    "shared/services/packages/derived_data.py _documents": Kept(capacity="DOCUMENTS_CACHED_BYTES"),
    "shared/services/packages/pull_redirects.py _kept": Kept(1, CLOUD, "CAPACITY_BYTES"),
    "shared/services/packages/package_cache.py _cached": Kept(capacity="CAPACITY_BYTES"),
    "shared/services/packages/package_cache.py _owners": Kept(400),
    "shared/services/packages/pulls.py _pulls": Kept(200, MACHINE),  # In the cloud a filter: 1 MiB.
    "shared/services/publishing/maven.py _by_distribution": Kept(VERSION_LISTS_CACHED_BYTES),
    "shared/services/publishing/maven.py _checksums": Kept(430),
    "shared/services/publishing/publishing.py _may_publish": Kept(300),
}
OTHERS = {VERSION_LISTS_CACHED_BYTES}  # Of Maven clients that name no distribution.


@dataclass(frozen=True)
class Cache:
    """A cache in the code; `capacity` is a number, or the name of a constant or parameter."""

    module: str
    name: str
    capacity: str

    @property
    def key(self) -> str:
        return f"{self.module} {self.name}"

    def on_the_page(self) -> tuple[str, str]:
        """Return the file with its folder, and the name, as docs/caches.md has them."""
        return "/".join(self.module.split("/")[-2:]), self.name

    def bytes(self) -> int:
        kept = KEPT[self.key]
        capacity = kept.capacity or self.capacity
        if not capacity.isdecimal():
            constants = vars(import_module(self.module.removesuffix(".py").replace("/", ".")))
            capacity = constants[capacity]
        return int(capacity) * kept.each


@cache
def caches() -> set[Cache]:
    """Return the caches of the product whose capacity is limited."""
    return {
        Cache(module.path, *each)
        for module in product()
        if module.path != MECHANISM
        for each in _caches_of(module)
    }


def _caches_of(module: Module) -> Iterator[tuple[str, str]]:
    for node in module.find(ast.Assign, ast.AnnAssign, ast.FunctionDef):
        match node:
            case (
                ast.Assign(targets=[target], value=ast.expr() as value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                for capacity in _capacities(value):
                    yield ast.unparse(target).removeprefix("self."), capacity
            case ast.FunctionDef(name=name, decorator_list=decorators):
                for capacity in [each for of in decorators for each in _capacities(of)]:
                    yield name, capacity
            case _:
                pass


def _capacities(tree: ast.expr) -> Iterator[str]:
    """Yield the capacity of each cache that an expression creates."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            made = call.func.value if isinstance(call.func, ast.Subscript) else call.func
            name = made.id if isinstance(made, ast.Name) else ""
            if name in CACHES:
                yield ast.unparse(call.args[0])
            elif name == "lru_cache":
                yield (
                    str(ast.literal_eval(call.keywords[0].value))
                    if isinstance(call.keywords[0].value, ast.Constant)
                    else ast.unparse(call.keywords[0].value)
                )


def test_it_is_known_what_an_entry_of_each_cache_takes() -> None:
    assert {each.key for each in caches()} == KEPT.keys()


def test_the_page_of_caches_names_each() -> None:
    rows = re.findall(r"^\| `(\w+/\w+\.py)` `(\w+)` \|", docs("caches"), re.MULTILINE)
    assert sorted(rows) == sorted(each.on_the_page() for each in caches())


@pytest.mark.parametrize("world", [MACHINE, CLOUD])
def test_all_caches_together_take_what_the_page_says(world: str) -> None:
    own = [each for each in caches() if KEPT[each.key].world in ("", world)]
    total = sum(each.bytes() for each in own) + sum(OTHERS)
    rounded = -(-total // 10_000_000) * 10
    assert f"{rounded} MB {world}" in docs("host-limits"), total
