"""One client of Cosmos DB per process: its containers, their operations with retries, and request
charges.

Requests are repeated while the service is busy. Every write has an id of its own, which is stored
in the item: if a repeat is refused because the first attempt took effect and its response was
lost, the id shows that.
"""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeVar, cast

from azure.core import MatchConditions
from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from msgspec import Struct, field

from shared.adapters.cosmos.queries import SESSION_TOKEN, SessionTokens, query_directly
from shared.domain.errors.requests import Busy, StorageFull
from shared.ports.system import Randomness
from shared.telemetry.activities import current_activity
from shared.telemetry.metrics import COSMOS_ANSWERS, COSMOS_UNITS, is_recording, record_metric

T = TypeVar("T")
Item = dict[str, Any]
WriteListener = Callable[[str], None]  # Called with the partition key.

DATABASE = "ballroom"
DEADLINE = timedelta(seconds=8)  # A client that waits longer has sent its request again by then.
FIRST_PAUSE = timedelta(milliseconds=20)
LONGEST_PAUSE = timedelta(seconds=1)
PAGE_SIZE = 1_000  # Items of one response; the service sends fewer if they are large.
RANGES_KNOWN_FOR = timedelta(minutes=1)  # The client library takes as long as a query to list them.
# Keys in one query. Their names and values take 12 KB of its limit of 512 KB.
KEYS_OF_A_QUERY = 200
WRITE_ID_BYTES = 9

_BUSY = frozenset({408, 410, 429, 449, 500, 502, 503, 504})
_ERRORS: Mapping[int, type[exceptions.CosmosHttpResponseError]] = {
    HTTPStatus.NOT_FOUND: exceptions.CosmosResourceNotFoundError,
    HTTPStatus.CONFLICT: exceptions.CosmosResourceExistsError,
    HTTPStatus.PRECONDITION_FAILED: exceptions.CosmosAccessConditionFailedError,
}
_REFUSED = tuple(_ERRORS.values())
_DISCONNECTED = (ServiceRequestError, ServiceResponseError, IncompleteReadError)
_PARTITION_FULL = 1014  # A partition key holds 20 GB.


class CosmosDatabase(Struct):
    """The containers of one database."""

    connect: Callable[[], CosmosClient]
    randomness: Randomness
    database: str = DATABASE
    _client: CosmosClient | None = None
    _proxies: dict[str, ContainerProxy] = field(default_factory=dict[str, ContainerProxy])
    _listeners: dict[str, WriteListener] = field(default_factory=dict[str, WriteListener])
    _ranges: "dict[str, _KnownRanges]" = field(default_factory=dict[str, "_KnownRanges"])

    def on_write(self, container: str, call: WriteListener) -> None:
        """Call `call` after each write of this process to a container, however the write ended."""
        self._listeners[container] = call

    def notify_listener(self, container: str, pk: str) -> None:
        """Tell the listener of the container, if there is one."""
        if container in self._listeners:
            self._listeners[container](pk)

    def container(self, name: str) -> "CosmosContainer":
        """Return the container; sends no request."""
        return CosmosContainer(self, name)

    def proxy(self, name: str) -> ContainerProxy:
        """Return the container object of the client library."""
        if name not in self._proxies:
            self._client = self._client or self.connect()
            database = self._client.get_database_client(self.database)
            self._proxies[name] = database.get_container_client(name)
        return self._proxies[name]

    async def ranges(self, name: str) -> list[Item]:
        """Return the ranges of a container, as they were a minute ago at most: the service answers
        a query of a range that was divided since."""
        now = asyncio.get_running_loop().time()
        known = self._ranges.get(name)
        if known is None or now - known.read_at > RANGES_KNOWN_FOR.total_seconds():
            known = self._ranges[name] = _KnownRanges(now, await self.container(name).ranges())
        return known.ranges

    def new_write_id(self) -> str:
        return self.randomness.token_bytes(WRITE_ID_BYTES).hex()

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client = self._client
        self._client = None
        self._proxies.clear()
        self._ranges.clear()
        if client is not None:
            await client.close()


class _KnownRanges(Struct, frozen=True):
    """The ranges of a container, and the second when they were read."""

    read_at: float
    ranges: list[Item]


class CosmosContainer(Struct, frozen=True):
    """The operations that the adapters use. All raise `Busy` if there is no response in time."""

    cosmos: CosmosDatabase
    name: str

    async def read(self, pk: str, id_: str) -> Item | None:
        try:
            return await _Call().run(lambda: self._proxy.read_item(id_, pk))
        except exceptions.CosmosResourceNotFoundError:
            return None

    async def read_unchanging(self, pk: str, id_: str) -> Item | None:
        """Return an item that is never changed, at half the price: any replica that has it
        answers, and only if one lacks it those that have the newest."""
        options = {"consistencyLevel": "Eventual"}
        try:
            return await _Call().run(
                lambda: self._proxy.read_item(id_, pk, request_options=options)
            )
        except exceptions.CosmosResourceNotFoundError:
            return await self.read(pk, id_)

    async def query(
        self,
        text: str,
        pk: str | None = None,
        *,
        as_of: SessionTokens | None = None,
        most: int | None = None,
        **parameters: Any,
    ) -> list[Any]:
        """Return the results of the query in one partition, or of a plain filter in all partitions.

        They are the newest ones; with `as_of`, which is for one physical partition, they include at
        least the changes that it names. At most `most` results of each physical partition are read.
        """
        if pk is not None:
            return await self._query_directly(text, parameters, as_of, most, partition_key=pk)
        ranges = await self.cosmos.ranges(self.name)
        if len(ranges) == 1:
            return await self._query_directly(text, parameters, as_of, most, feed_range=ranges[0])
        # Without a range, the service reads one physical partition after the other.
        found = await asyncio.gather(
            *(self._query(text, parameters, most, feed_range=each) for each in ranges)
        )
        return [item for each in found for item in each]

    async def read_each(
        self, keys: Sequence[str], id_: str, *, as_of: SessionTokens | None = None
    ) -> list[Item]:
        """Return the items of these partitions that have the id, in any order. One request, and one
        for each further physical partition."""
        if len(keys) == 1:
            item = await self.read(keys[0], id_)
            return [] if item is None else [item]
        text = "SELECT * FROM c WHERE c.id = @id"
        return await self.query_keys(text, keys, as_of=as_of, id=id_)

    async def query_keys(
        self,
        text: str,
        keys: Sequence[str],
        since: Mapping[str, int] = MappingProxyType({}),
        *,
        as_of: SessionTokens | None = None,
        most: int | None = None,
        **parameters: Any,
    ) -> list[Item]:
        """Return the items that a plain filter finds in these partitions; of some partitions only
        those that changed since a second. One request, and one for each further physical
        partition, which each reads only `most` items. The filter is extended by `AND`."""
        if len(keys) == 1:
            parameters["since"] = since.get(keys[0], 0)
            recent = f"{text} AND c._ts >= @since"
            return await self.query(recent, keys[0], as_of=as_of, most=most, **parameters)
        queries = (
            _query_of_keys(text, keys[start : start + KEYS_OF_A_QUERY], since)
            for start in range(0, len(keys), KEYS_OF_A_QUERY)
        )
        found = await asyncio.gather(
            *(
                self.query(of_keys, as_of=as_of, most=most, **parameters, **named)
                for of_keys, named in queries
            )
        )
        return [item for each in found for item in each]

    async def query_all(self, text: str, **parameters: Any) -> list[Any]:
        """Return the results of a plain filter in all partitions, however many there are: each page
        may take as long as a call of `query`."""
        return [item async for page in self.pages(text, **parameters) for item in page]

    async def pages(self, text: str, **parameters: Any) -> AsyncIterator[list[Any]]:
        """Yield the results of a plain filter in all partitions, page by page."""
        found, token = await _Call().run(lambda: self._page(text, parameters, None))
        yield found
        while (after := token) is not None:
            found, token = await _Call().run(partial(self._page, text, parameters, after))
            yield found

    async def now(self) -> str:
        """Return the position in the change feed after all changes until now."""
        # Not from a time: the client library writes it in milliseconds and reads it as seconds.
        found = await self.changes_of(start_time="Now")
        while found.items:  # The position includes every partition only after an empty page.
            found = await self.changes(found.after)
        return found.after

    async def changes(self, after: str) -> "ChangeFeedPage":
        """Return some changed items after a position in the feed, each in its latest version;
        none if all were read. Deletions are not included. Raise `ValueError` for a position in the
        feed of another container."""
        try:
            return await self.changes_of(max_item_count=PAGE_SIZE, continuation=after)
        except exceptions.CosmosHttpResponseError as refused:
            raise ValueError(refused.status_code) from refused

    async def changes_of(self, **options: Any) -> "ChangeFeedPage":
        """Return a page of the change feed, read with these options of the client library."""
        return await _Call().run(lambda: self._changes(options))

    async def ranges(self) -> list[Item]:
        """Return the ranges of partition keys whose changes can be read separately."""
        return await _Call().run(lambda: _all(self._proxy.read_feed_ranges()))

    async def create(self, item: Item) -> bool:
        """Create the item; return whether this call created it."""
        marked = {**item, "mark": self.cosmos.new_write_id()}
        call = _Call()
        try:
            await self._write(call, item, lambda: self._proxy.create_item(marked))
        except exceptions.CosmosResourceExistsError:
            return call.may_have_succeeded and await self._find(marked) is not None
        return True

    async def put(self, item: Item) -> None:
        """Store the item, replacing an earlier one."""
        await self._write(_Call(), item, lambda: self._proxy.upsert_item(item))

    async def replace(self, item: Item, etag: str) -> bool:
        """Store the item if the stored one still has this version; return whether it had."""
        marked = {**item, "mark": self.cosmos.new_write_id()}
        call = _Call()
        ask = partial(self._proxy.replace_item, marked["id"], marked, **_if_match(etag))
        try:
            await self._write(call, item, ask)
        except _REFUSED:
            return call.may_have_succeeded and await self._find(marked) is not None
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
        """Set fields and add to others if the condition holds, and return the item; None if it
        does not exist or the condition does not hold."""
        marked = {"pk": pk, "id": id_, "mark": self.cosmos.new_write_id()}
        call = _Call()
        operations = [
            *(_patch("set", each) for each in (*changes.items(), ("mark", marked["mark"]))),
            *(_patch("incr", each) for each in adding.items()),
        ]
        condition = f"FROM c WHERE {where}"
        try:
            return await self._write(
                call,
                marked,
                lambda: self._proxy.patch_item(id_, pk, operations, filter_predicate=condition),
            )
        except _REFUSED:
            return await self._find(marked) if call.may_have_succeeded else None

    async def delete(self, pk: str, id_: str, etag: str = "") -> bool:
        """Delete the item, if it has this version; return whether this call may have done so."""
        call = _Call()
        version = _if_match(etag) if etag else {}
        try:
            await self._write(call, {"pk": pk}, lambda: self._proxy.delete_item(id_, pk, **version))
        except _REFUSED:
            return call.may_have_succeeded
        return True

    async def batch(self, pk: str, steps: Sequence["BatchWrite"]) -> bool:
        """Apply all steps in one partition or none; return whether they were applied."""
        mark = self.cosmos.new_write_id()
        call = _Call()

        async def ask() -> None:
            # Made for each attempt: the client library takes the versions out of them.
            operations = [step.operation(mark) for step in steps]
            try:
                await self._proxy.execute_item_batch(operations, pk)
            except exceptions.CosmosBatchOperationError as failed:
                raise _error_of_step(failed) from failed

        try:
            await self._write(call, {"pk": pk}, ask)
        except _REFUSED:
            first = {**steps[0].item, "pk": pk, "mark": mark}
            return call.may_have_succeeded and await self._find(first) is not None
        return True

    async def _query_directly(
        self,
        text: str,
        parameters: Mapping[str, Any],
        as_of: SessionTokens | None,
        most: int | None,
        **scope: Any,
    ) -> list[Any]:
        """Query one partition, or a container of one physical partition, without the layers of the
        client library; whatever is not answered is left to them, and is the newest."""
        query = {"query": text, "parameters": _named(parameters)}
        pk = scope.get("partition_key")
        size = _page_size(most)
        found = await _Call().run(
            lambda: query_directly(self._proxy, query, pk, size, session=as_of, most=most)
        )
        return await self._query(text, parameters, most, **scope) if found is None else found

    async def _query(
        self, text: str, parameters: Mapping[str, Any], most: int | None, **scope: Any
    ) -> list[Any]:
        named = _named(parameters)
        size = _page_size(most)
        ask: Any = self._proxy.query_items  # Its types have an overload for each set of options.
        return await _Call().run(
            lambda: _all(ask(text, parameters=named, max_item_count=size, **scope), most)
        )

    async def _write(self, call: "_Call", item: Item, ask: Callable[[], Awaitable[T]]) -> T:
        """Run a write of an item; its listener is told when it has ended, in whatever way."""
        try:
            return await call.run(ask)
        finally:
            self.cosmos.notify_listener(self.name, item.get("pk", ""))

    async def _page(
        self, text: str, parameters: Mapping[str, Any], token: str | None
    ) -> tuple[list[Any], str | None]:
        named = _named(parameters)
        ask: Any = self._proxy.query_items  # Its types have an overload for each set of options.
        pages = ask(text, parameters=named, max_item_count=PAGE_SIZE).by_page(token)
        async for page in pages:
            return await _all(page), pages.continuation_token
        return [], None

    async def _changes(self, options: Mapping[str, Any]) -> "ChangeFeedPage":
        # The next position is in the headers of the last response, even if that has no items. Not
        # in those that the client library has last: they may be of another request meanwhile.
        headers: Mapping[str, str] = {}

        def keep(of_response: Mapping[str, str], _items: object) -> None:
            nonlocal headers
            headers = of_response

        ask: Any = self._proxy.query_items_change_feed  # Its types have an overload for each set.
        found: list[Item] = []
        async for page in ask(**options, response_hook=keep).by_page():
            found = await _all(page)
            break
        return ChangeFeedPage(found, headers["etag"], headers.get(SESSION_TOKEN, ""))

    async def _find(self, marked: Item) -> Item | None:
        """Return the item if it has this write id: the write succeeded without a response."""
        there = await self.read(marked[_KEY_FIELDS.get(self.name, "pk")], marked["id"])
        return there if there is not None and there.get("mark") == marked["mark"] else None

    @property
    def _proxy(self) -> ContainerProxy:
        return self.cosmos.proxy(self.name)


class ChangeFeedPage(Struct, frozen=True):
    """Items of the change feed, the position after them, and the session token of the range that
    answered."""

    items: list[Item]
    after: str
    session: str = ""


class BatchWrite(Struct, frozen=True):
    """A step of a batch that creates an item, or replaces the version `etag` of it."""

    item: Item
    etag: str = ""

    def operation(self, mark: str) -> Any:
        """Return the step as a tuple of the client library."""
        marked = {**self.item, "mark": mark}
        if self.etag:
            return "replace", (marked["id"], marked), {"if_match_etag": self.etag}
        return "create", (marked,)


class BatchDelete(BatchWrite, frozen=True):
    """A step of a batch that deletes an item."""

    def operation(self, mark: str) -> Any:  # noqa: ARG002 - a deleted item has no write id.
        return "delete", (self.item["id"],)


def _query_of_keys(
    text: str, keys: Sequence[str], since: Mapping[str, int]
) -> tuple[str, dict[str, Any]]:
    """Return the query that finds the items in these partitions, and its further parameters."""
    whole = {f"k{place}": key for place, key in enumerate(keys) if key not in since}
    partly = {f"k{place}": key for place, key in enumerate(keys) if key in since}
    among = [f"c.pk IN ({', '.join(f'@{name}' for name in whole)})"] if whole else []
    among += [f"c.pk = @{name} AND c._ts >= @since_{name}" for name in partly]
    seconds = {f"since_{name}": since[key] for name, key in partly.items()}
    return f"{text} AND ({' OR '.join(among)})", {**whole, **partly, **seconds}


def _named(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": f"@{name}", "value": value} for name, value in parameters.items()]


def _page_size(most: int | None) -> int:
    return PAGE_SIZE if most is None else min(most, PAGE_SIZE)


async def _all(found: AsyncIterable[Any], most: int | None = None) -> list[Any]:
    """Return what is found, or the first `most` of it; the pages after that are not read."""
    items = list[Any]()
    async for item in found:
        items.append(item)
        if len(items) == most:
            break
    return items


class _Call:
    """One operation, repeated until there is a response.

    `may_have_succeeded` says whether an attempt without a response may have taken effect.
    """

    def __init__(self) -> None:
        self.may_have_succeeded = False

    async def run(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the response of the service; raise `Busy` if there is none in time."""
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                return await self._repeat(ask)
        except TimeoutError:
            raise Busy from None

    async def _repeat(self, ask: Callable[[], Awaitable[T]]) -> T:
        pause = FIRST_PAUSE.total_seconds()
        while True:
            try:
                return await ask()
            except _DISCONNECTED:
                self.may_have_succeeded = True
            except exceptions.CosmosHttpResponseError as refused:
                _check(refused)
                self.may_have_succeeded = True
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads callers.
            pause = min(pause * 2, LONGEST_PAUSE.total_seconds())


def _if_match(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _patch(kind: str, field_: tuple[str, Any]) -> Item:
    name, value = field_
    return {"op": kind, "path": f"/{name}", "value": value}


def _error_of_step(failed: Any) -> exceptions.CosmosHttpResponseError:
    """Return the error that a single write raises with the status of the step that failed. The
    error of a batch has no types."""
    step: Item = failed.operation_responses[failed.error_index]
    kind = _ERRORS.get(failed.status_code, exceptions.CosmosHttpResponseError)
    return kind(failed.status_code, str(failed), sub_status=step.get("subStatusCode"))


def _check(refused: exceptions.CosmosHttpResponseError) -> None:
    """Return if the request may be repeated; otherwise raise."""
    substatus = cast("int", refused.sub_status)  # pyright: ignore[reportUnknownMemberType] - untyped.
    if (refused.status_code, substatus) == (HTTPStatus.FORBIDDEN, _PARTITION_FULL):
        raise StorageFull from refused
    if refused.status_code not in _BUSY:
        raise refused


class ContainerDefinition(Struct, frozen=True):
    """A container: its partition key, and whether its items may expire."""

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
)

_KEY_FIELDS = {each.name: each.path.strip("/") for each in COSMOS_CONTAINERS}

CHARGE_HEADER = "x-ms-request-charge"
_MARKS = {"x-ms-documentdb-isquery": "query", "x-ms-cosmos-is-batch-request": "batch"}


def record_charge(response: Any) -> None:
    """Record the charge of a response; for `raw_response_hook` of the client library."""
    units = float(response.http_response.headers.get(CHARGE_HEADER) or 0)
    activity = current_activity()
    if activity is not None:
        activity.units += units
    if is_recording():
        request = response.http_request
        asked = {"container": _container(request.url), "operation": _operation(request)}
        answer = {**asked, "status": response.http_response.status_code}
        record_metric(COSMOS_ANSWERS, 1, answer)
        record_metric(COSMOS_UNITS, units, asked)


COSMOS_CLIENT_OPTIONS: dict[str, Any] = {
    "raw_response_hook": record_charge,
    # By itself, the library sends a write again whose connection was closed before the response,
    # and then raises the conflict with its own first attempt. `_Call` repeats what fails instead.
    "retry_total": 0,
}


def _container(url: str) -> str:
    """Return the name of the container in an address, without the keys of items after it."""
    return url.partition("/colls/")[2].partition("/")[0]


def _operation(request: Any) -> str:
    for header, name in _MARKS.items():
        if str(request.headers.get(header, "")).lower() == "true":
            return name
    return str(request.method).lower()
