"""The REST protocol of Cosmos DB: a request to its answer."""

import json
import re
from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from urllib.parse import unquote

from tests.fakes.cosmos import charges, feeds, sessions
from tests.fakes.cosmos.containers import Condition, Container, Failed, Item, bad_request
from tests.fakes.cosmos.queries import BadQuery, parse

_ROUTE = re.compile(
    r"/(?:dbs(?:/(?P<db>[^/]+)"
    r"(?:/colls(?:/(?P<coll>[^/]+)(?:/(?P<kind>docs|pkranges)(?:/(?P<id>[^/]+))?)?)?)?)?)?/?"
)
_NOT_SERVABLE = (
    1004  # "The provided cross partition query can not be directly served by the gateway."
)
PAGE = 100  # Items of one answer, unless the client asks for fewer.
_FAILED_DEPENDENCY = 424


@dataclass(frozen=True)
class Request:
    """A request, its header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header, or None."""
        return self.headers.get(name)

    def says(self, name: str) -> bool:
        """Say whether a header is there and true."""
        return self.headers.get(name, "").lower() == "true"

    @property
    def condition(self) -> Condition:
        """Return what the version of the item has to be."""
        return Condition(self.header("if-match"), self.header("if-none-match"))

    @property
    def weight(self) -> float:
        """Return what a read costs for its consistency."""
        return charges.weight(self.header("x-ms-consistency-level"))

    @property
    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """An answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        """Return the body as it is sent."""
        return b"" if self.body is None else json.dumps(self.body).encode()


# The SDK keeps the ranges of containers for all clients of one address.
_NUMBERS = count(1)


@dataclass
class CosmosDouble:
    """An account with its databases, over a settable clock."""

    now_ms: Callable[[], int]
    address: str = field(default_factory=lambda: f"https://cosmos-{next(_NUMBERS)}.test")
    containers: dict[tuple[str, str], Container] = field(
        default_factory=dict[tuple[str, str], Container]
    )
    charged: float = 0.0  # Request units of all answers.
    requests: MutableSequence[Request] = field(default_factory=list[Request])

    def answer(self, request: Request) -> Answer:
        """Return what the service answers; items change before this returns, or not at all."""
        self.requests.append(request)
        try:
            answer = self._routed(request)
        except Failed as failed:
            answer = _failure(failed)
        except BadQuery as bad:
            answer = _failure(bad_request(f"Syntax error, or not in the subset: {bad}"))
        charge = float(answer.headers.get("x-ms-request-charge", 1.0))
        self.charged += charge
        common = {"x-ms-request-charge": str(charge), "content-type": "application/json"}
        return Answer(answer.status, answer.body, {**common, **answer.headers})

    def _routed(self, request: Request) -> Answer:
        found = _ROUTE.fullmatch(request.path or "/")
        if found is None:
            raise Failed(404, "NotFound", "Resource Not Found")
        db, coll, kind, id_ = (
            unquote(part) if part else None for part in found.group("db", "coll", "kind", "id")
        )
        if db is None:
            return self._account()
        if coll is None:
            raise Failed(405, "MethodNotAllowed", "The double makes and changes no database.")
        container = self._existing(db, coll)
        if kind is None:
            return _container(request, container)
        if kind == "pkranges":
            return _ranges(request, container)
        replica = sessions.replica_of(container, request.headers)
        answer = _document(request, replica, id_) if id_ else _documents(request, replica)
        token = sessions.token_of(replica, request.headers, _key_or_none(request))
        return replace(answer, headers={**answer.headers, sessions.TOKEN: token})

    def _account(self) -> Answer:
        here = [{"name": "here", "databaseAccountEndpoint": self.address}]
        consistency = {"defaultConsistencyLevel": "BoundedStaleness"}
        return Answer(
            200,
            {
                "id": "double",
                "_rid": "double",
                "writableLocations": here,
                "readableLocations": here,
                "enableMultipleWriteLocations": False,
                "userConsistencyPolicy": consistency,
            },
        )

    def _existing(self, db: str, coll: str) -> Container:
        container = self.containers.get((db, coll))
        if container is None:
            raise Failed(404, "NotFound", "Owner resource does not exist", 1003)
        return container

    def make(self, db: str, container: Container) -> None:
        """Make a container, as the templates do in the cloud."""
        self.containers[db, container.name] = container


def _container(request: Request, container: Container) -> Answer:
    if request.method != "GET":
        raise Failed(405, "MethodNotAllowed", "The double changes no container.")
    return Answer(200, described(container))


def described(container: Container) -> Item:
    """Return the properties of a container."""
    properties: Item = {
        "id": container.name,
        "_rid": f"rid-{container.name}",
        "_self": f"dbs/x/colls/{container.name}/",
        "partitionKey": {"paths": [container.path], "kind": "Hash", "version": 2},
        "indexingPolicy": {"compositeIndexes": []},
    }
    if container.default_ttl is not None:
        properties["defaultTtl"] = container.default_ttl
    return properties


def _ranges(request: Request, container: Container) -> Answer:
    # The client asks again and again until it hears that nothing is new.
    etag = f'"ranges-{container.ranges[-1].id}"'
    if request.header("if-none-match") == etag:
        return Answer(304, headers={"etag": etag})
    return Answer(200, feeds.described(container), {"etag": etag})


def _document(request: Request, container: Container, id_: str) -> Answer:
    key = _key(request)
    if request.method == "GET":
        item = container.read(key, id_)
        if request.condition.none_match == item["_etag"]:
            return Answer(304, headers={"etag": item["_etag"]})
        return _item(200, item, charges.of_read(item) * request.weight)
    if request.method == "PUT":
        item = container.replace(key, id_, request.json, request.condition)
        return _item(200, item, charges.of_write(item))
    if request.method == "PATCH":
        item = container.patch(key, id_, *_patch(request.json, request.condition))
        return _item(200, item, charges.of_write(item))
    if request.method == "DELETE":
        container.delete(key, id_, request.condition)
        return Answer(204, headers={"x-ms-request-charge": str(charges.WRITE)})
    raise Failed(405, "MethodNotAllowed", request.method)


def _documents(request: Request, container: Container) -> Answer:
    if request.method == "GET" and request.header("a-im"):
        return _changes(request, container)
    if request.method == "GET":
        return _page(request, container.living(_key_or_none(request)))
    if request.says("x-ms-cosmos-is-query-plan-request"):
        raise bad_request("The double makes no plans for queries over all partitions.")
    if request.says("x-ms-documentdb-isquery"):
        return _query(request, container)
    if request.says("x-ms-cosmos-is-batch-request"):
        return _batch(request, container)
    key = _key(request)
    if request.says("x-ms-documentdb-is-upsert"):
        item = container.upsert(key, request.json, request.condition)
        return _item(200, item, charges.of_write(item))
    item = container.create(key, request.json)
    return _item(201, item, charges.of_write(item))


def _query(request: Request, container: Container) -> Answer:
    asked = request.json
    parameters = {each["name"]: each["value"] for each in asked.get("parameters", [])}
    query = parse(asked["query"], parameters)
    key = _key_or_none(request)
    if key is None and query.fans_out_badly:
        raise bad_request("Cross partition ORDER BY, aggregates and OFFSET.", _NOT_SERVABLE)
    if key is None and request.header(feeds.RANGE) is not None:
        return _page(request, query.results(feeds.in_range(container, request.headers)))
    return _page(request, query.results(container.living(key)))


def _page(request: Request, found: list[Any]) -> Answer:
    most = int(request.header("x-ms-max-item-count") or PAGE)
    most = PAGE if most == -1 else most
    start = int(request.header("x-ms-continuation") or 0)
    shown = found[start : start + most]
    headers = {"x-ms-request-charge": str(charges.of_query(shown) * request.weight)}
    if start + most < len(found):
        headers["x-ms-continuation"] = str(start + most)
    return Answer(200, {"_rid": "r", "Documents": shown, "_count": len(shown)}, headers)


def _changes(request: Request, container: Container) -> Answer:
    found = feeds.changes(container, request.headers, _key_or_none(request))
    headers = {"etag": found.etag}
    if not found.items:
        return Answer(304, headers=headers)
    headers["x-ms-request-charge"] = str(charges.of_query(found.items) * request.weight)
    return Answer(200, {"_rid": "r", "Documents": found.items, "_count": len(found.items)}, headers)


def _batch(request: Request, container: Container) -> Answer:
    operations = request.json
    try:
        results = container.batch(_key(request), [_step(request, each) for each in operations])
    except Failed as failed:
        place = failed.args[-1]
        if not isinstance(place, int):
            raise
        skipped = {"statusCode": _FAILED_DEPENDENCY, "requestCharge": 0.0}
        outcomes = [dict(skipped) for _ in operations]
        outcomes[place]["statusCode"] = failed.status
        return Answer(207, outcomes)
    charge = sum(each["requestCharge"] for each in results)
    return Answer(200, results, {"x-ms-request-charge": str(charge)})


def _step(request: Request, operation: Mapping[str, Any]) -> Callable[[Container], Item]:
    key = _key(request)
    body = operation.get("resourceBody")
    id_ = operation.get("id", "")
    condition = Condition(operation.get("ifMatch"), operation.get("ifNoneMatch"))

    def step(container: Container) -> Item:
        match operation["operationType"]:
            case "Create":
                return _outcome(201, container.create(key, _body(body)))
            case "Replace":
                return _outcome(200, container.replace(key, id_, _body(body), condition))
            case "Delete":
                container.delete(key, id_, condition)
                return {"statusCode": 204, "requestCharge": charges.WRITE}
            case other:
                raise bad_request(f"There is no batch operation {other}.")

    return step


def _patch(body: Item, condition: Condition) -> tuple[list[Item], Condition]:
    filtered = body.get("condition")
    if filtered is None:
        return body["operations"], condition
    return body["operations"], replace(condition, fits=parse(f"SELECT * {filtered}", {}).test)


def _body(body: Any) -> Item:
    if not isinstance(body, dict):
        raise bad_request("The operation needs a resourceBody.")
    return body


def _outcome(status: int, item: Item) -> Item:
    charge = charges.of_write(item)
    return {
        "statusCode": status,
        "requestCharge": charge,
        "eTag": item["_etag"],
        "resourceBody": item,
    }


def _item(status: int, item: Item, charge: float) -> Answer:
    headers = {"etag": item["_etag"], "x-ms-request-charge": str(charge)}
    return Answer(status, item, headers)


def _key(request: Request) -> str:
    key = _key_or_none(request)
    if key is None:
        raise bad_request("PartitionKey value must be supplied for this operation.")
    return key


def _key_or_none(request: Request) -> str | None:
    text = request.header("x-ms-documentdb-partitionkey")
    return None if text is None else json.dumps(json.loads(text))


def _failure(failed: Failed) -> Answer:
    headers = {"x-ms-substatus": str(failed.substatus)} if failed.substatus else {}
    return Answer(failed.status, {"code": failed.code, "message": str(failed)}, headers)
