"""One client of Cosmos DB per process: its containers, their operations with retries, and request
charges.
"""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast

from azure.core import MatchConditions
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient

from shared.domain.errors.requests import Busy, StorageFull
from shared.ports import Randomness
from shared.telemetry import recording
from shared.telemetry.metrics import COSMOS_ANSWERS, COSMOS_UNITS
from shared.telemetry.recording import current_activity

# One client a process: made when it is first needed, asked again while the service is busy.
#
# Every write may be repeated: it carries a mark of its own, and where a repeat is refused because
# the first attempt took effect although its answer was lost, the mark tells.

T = TypeVar("T")
Item = dict[str, Any]

DATABASE = "ballroom"
DEADLINE = timedelta(seconds=8)  # A client that waits longer has sent its request again by then.
FIRST_PAUSE = timedelta(milliseconds=20)
LONGEST_PAUSE = timedelta(seconds=1)
PAGE_SIZE = 1_000  # Items of one answer; the service sends fewer where they are large.
WRITE_ID_BYTES = 9

_BUSY = frozenset({408, 410, 429, 449, 500, 502, 503, 504})
_REFUSED = (
    exceptions.CosmosResourceExistsError,
    exceptions.CosmosResourceNotFoundError,
    exceptions.CosmosAccessConditionFailedError,
    exceptions.CosmosBatchOperationError,
)
_FULL, _PARTITION_FULL = 403, 1014  # A partition key holds 20 GB.


@dataclass
class CosmosDatabase:
    """The containers of one database."""

    connect: Callable[[], CosmosClient]
    randomness: Randomness
    database: str = DATABASE
    _client: CosmosClient | None = None
    _proxies: dict[str, ContainerProxy] = field(default_factory=dict[str, ContainerProxy])

    def container(self, name: str) -> "CosmosContainer":
        """Return the container; nothing is asked of the service yet."""
        return CosmosContainer(self, name)

    def proxy(self, name: str) -> ContainerProxy:
        """Return the client's container."""
        if name not in self._proxies:
            self._client = self._client or self.connect()
            database = self._client.get_database_client(self.database)
            self._proxies[name] = database.get_container_client(name)
        return self._proxies[name]

    def mark(self) -> str:
        """Return the mark of one write."""
        return self.randomness.token_bytes(WRITE_ID_BYTES).hex()

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client, self._client = self._client, None
        self._proxies.clear()
        if client is not None:
            await client.close()


@dataclass(frozen=True)
class CosmosContainer:
    """The operations that the adapters use. All raise `Busy` when no answer comes in time."""

    cosmos: CosmosDatabase
    name: str

    async def read(self, pk: str, id_: str) -> Item | None:
        """Return the item, or None."""
        try:
            return await _Call().answer(lambda: self._proxy.read_item(id_, pk))
        except exceptions.CosmosResourceNotFoundError:
            return None

    async def query(self, text: str, pk: str | None = None, **parameters: Any) -> list[Any]:
        """Return what the query finds: in one partition, or in all where it is a plain filter."""
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        options: dict[str, Any] = {"parameters": named, "max_item_count": PAGE_SIZE}
        if pk is not None:
            options["partition_key"] = pk
        ask: Any = self._proxy.query_items  # Its overloads are one for each set of options.
        return await _Call().answer(lambda: _all(ask(text, **options)))

    async def pages(self, text: str) -> AsyncIterator[list[Any]]:
        """Yield what a plain filter finds in all partitions, a page at a time."""
        found, token = await _Call().answer(lambda: self._page(text, None))
        yield found
        while (after := token) is not None:
            found, token = await _Call().answer(partial(self._page, text, after))
            yield found

    async def now(self) -> str:
        """Return the place in the feed of all that changes from now on."""
        # Not of a time: the client writes such a place in milliseconds and reads it as seconds.
        found = await self.changes_of(start_time="Now")
        while found.items:  # Until then partitions are left that were not asked for their place.
            found = await self.changes(found.after)
        return found.after

    async def changes(self, after: str) -> "ChangeFeedPage":
        """Return some of what changed after a place in the feed, each item at its newest; nothing
        when all of it was read. Deletions are no changes. Raise `ValueError` for a place in another
        container's feed."""
        try:
            return await self.changes_of(max_item_count=PAGE_SIZE, continuation=after)
        except exceptions.CosmosHttpResponseError as refused:
            raise ValueError(refused.status_code) from refused

    async def changes_of(self, **options: Any) -> "ChangeFeedPage":
        """Return some of what the client's change feed shows with these options."""
        return await _Call().answer(lambda: self._changes(options))

    async def ranges(self) -> list[Item]:
        """Return the ranges of partition keys that changes can be read by."""
        return await _Call().answer(lambda: _all(self._proxy.read_feed_ranges()))

    async def create(self, item: Item) -> bool:
        """Create the item; say whether it was this call that did."""
        marked, call = {**item, "mark": self.cosmos.mark()}, _Call()
        try:
            await call.answer(lambda: self._proxy.create_item(marked))
        except exceptions.CosmosResourceExistsError:
            return call.unsure and await self._find(marked) is not None
        return True

    async def put(self, item: Item) -> None:
        """Store the item over whatever is there."""
        await _Call().answer(lambda: self._proxy.upsert_item(item))

    async def replace(self, item: Item, etag: str) -> bool:
        """Store the item if its version is still this one; say whether it was."""
        marked, call = {**item, "mark": self.cosmos.mark()}, _Call()
        version: Any = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        try:
            await call.answer(lambda: self._proxy.replace_item(marked["id"], marked, **version))
        except _REFUSED:
            return call.unsure and await self._find(marked) is not None
        return True

    async def change(
        self,
        pk: str,
        id_: str,
        changes: Mapping[str, Any],
        *,
        where: str,
        adding: Mapping[str, int] = MappingProxyType({}),
    ) -> Item | None:
        """Set fields and add to others if the condition holds, and return the item; None where it
        is not there or the condition does not hold."""
        marked, call = {"pk": pk, "id": id_, "mark": self.cosmos.mark()}, _Call()
        operations = [
            *(_patch("set", each) for each in (*changes.items(), ("mark", marked["mark"]))),
            *(_patch("incr", each) for each in adding.items()),
        ]
        condition = f"FROM c WHERE {where}"
        try:
            return await call.answer(
                lambda: self._proxy.patch_item(id_, pk, operations, filter_predicate=condition)
            )
        except _REFUSED:
            return await self._find(marked) if call.unsure else None

    async def delete(self, pk: str, id_: str) -> bool:
        """Delete the item; say whether it was there."""
        call = _Call()
        try:
            await call.answer(lambda: self._proxy.delete_item(id_, pk))
        except exceptions.CosmosResourceNotFoundError:
            return call.unsure
        return True

    async def batch(self, pk: str, steps: Sequence["BatchWrite"]) -> bool:
        """Take all steps in one partition or none; say whether they were taken."""
        mark, call = self.cosmos.mark(), _Call()
        operations = [step.operation(mark) for step in steps]
        try:
            await call.answer(lambda: self._proxy.execute_item_batch(operations, pk))
        except _REFUSED:
            first = {**steps[0].item, "pk": pk, "mark": mark}
            return call.unsure and await self._find(first) is not None
        return True

    async def _page(self, text: str, token: str | None) -> tuple[list[Any], str | None]:
        pages: Any = self._proxy.query_items(text, max_item_count=PAGE_SIZE).by_page(token)
        async for page in pages:
            return await _all(page), pages.continuation_token
        return [], None

    async def _changes(self, options: Mapping[str, Any]) -> "ChangeFeedPage":
        pages: Any = self._proxy.query_items_change_feed(**options).by_page()
        found: list[Item] = []
        async for page in pages:
            found = await _all(page)
            break
        # Where the next read begins is in the last answer, also when that has no items.
        client: Any = self._proxy.client_connection
        return ChangeFeedPage(found, client.last_response_headers["etag"])

    async def _find(self, marked: Item) -> Item | None:
        """Return the item if it bears this mark: an attempt took effect whose answer was lost."""
        there = await self.read(marked["pk"], marked["id"])
        return there if there is not None and there.get("mark") == marked["mark"] else None

    @property
    def _proxy(self) -> ContainerProxy:
        return self.cosmos.proxy(self.name)


@dataclass(frozen=True, slots=True)
class ChangeFeedPage:
    """Items of the change feed, and the place after them."""

    items: list[Item]
    after: str


@dataclass(frozen=True)
class BatchWrite:
    """A part of a batch: an item that is created, or stored over one of this version."""

    item: Item
    etag: str = ""

    def operation(self, mark: str) -> Any:
        """Return it as the client wants it."""
        marked = {**self.item, "mark": mark}
        if self.etag:
            return "replace", (marked["id"], marked), {"if_match_etag": self.etag}
        return "create", (marked,)


@dataclass(frozen=True)
class BatchDelete(BatchWrite):
    """A part of a batch that deletes an item."""

    def operation(self, mark: str) -> Any:  # noqa: ARG002 - what is gone bears no mark.
        """Return it as the client wants it."""
        return "delete", (self.item["id"],)


async def _all(found: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in found]


class _Call:
    """One operation, asked until it is answered; `unsure` says whether an attempt may have taken
    effect without an answer."""

    def __init__(self) -> None:
        self.unsure = False

    async def answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what the service answers; raise `Busy` when none comes in time."""
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                return await self._until_answered(ask)
        except TimeoutError:
            raise Busy from None

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        pause = FIRST_PAUSE.total_seconds()
        while True:
            try:
                return await ask()
            except (ServiceRequestError, ServiceResponseError):
                self.unsure = True
            except exceptions.CosmosHttpResponseError as refused:
                _check(refused)
                self.unsure = True
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads callers.
            pause = min(pause * 2, LONGEST_PAUSE.total_seconds())


def _patch(kind: str, field_: tuple[str, Any]) -> Item:
    name, value = field_
    return {"op": kind, "path": f"/{name}", "value": value}


def _check(refused: exceptions.CosmosHttpResponseError) -> None:
    """Return for what is worth asking again; raise what the answer means otherwise."""
    substatus = cast("int", refused.sub_status)  # pyright: ignore[reportUnknownMemberType] - untyped.
    if (refused.status_code, substatus) == (_FULL, _PARTITION_FULL):
        raise StorageFull from refused
    if refused.status_code not in _BUSY:
        raise refused


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """A container: its partition key, and whether its items may end by themselves."""

    name: str
    path: str = "/pk"
    ends: bool = False


COSMOS_CONTAINERS = (
    ContainerDefinition("packages"),
    ContainerDefinition("tools"),
    ContainerDefinition("accounts", ends=True),
    ContainerDefinition("tokens", ends=True),
    ContainerDefinition("events"),
    ContainerDefinition("work", ends=True),
    ContainerDefinition("stats", ends=True),
    ContainerDefinition("leases", "/id"),  # Of the Functions host, which reads the change feed.
)

CHARGE_HEADER = "x-ms-request-charge"
_MARKS = {"x-ms-documentdb-isquery": "query", "x-ms-cosmos-is-batch-request": "batch"}


def record_charge(response: Any) -> None:
    """Tell of an answer; for `raw_response_hook`, which the client calls with each of them."""
    units = float(response.http_response.headers.get(CHARGE_HEADER) or 0)
    activity = current_activity()
    if activity is not None:
        activity.units += units
    if recording.is_enabled():
        request = response.http_request
        asked = {"container": _container(request.url), "operation": _operation(request)}
        answer = {**asked, "status": response.http_response.status_code}
        recording.record_metric(COSMOS_ANSWERS, 1, answer)
        recording.record_metric(COSMOS_UNITS, units, asked)


def _container(url: str) -> str:
    """Return the container of an address; what is behind it are keys of items."""
    return url.partition("/colls/")[2].partition("/")[0]


def _operation(request: Any) -> str:
    for header, name in _MARKS.items():
        if str(request.headers.get(header, "")).lower() == "true":
            return name
    return str(request.method).lower()
