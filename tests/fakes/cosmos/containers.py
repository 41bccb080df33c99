"""Items of a container: their versions, their time to live, their order of change."""

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from azure.cosmos import PartitionKey

LARGEST_ITEM = 2 * 1024 * 1024  # Bytes as JSON.
LONGEST_ID = 1_023  # Bytes.
MOST_IN_A_BATCH = 100
MOST_PATCHES = 10
FORBIDDEN = frozenset("/\\?#")
SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")

Item = dict[str, Any]


class Failed(Exception):
    """A request that the service refuses, with its status."""

    def __init__(self, status: int, code: str, message: str, substatus: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.substatus = substatus


def bad_request(message: str, substatus: int = 0) -> Failed:
    """Return the refusal of what makes no sense."""
    return Failed(400, "BadRequest", message, substatus)


NOT_FOUND = (404, "NotFound", "Entity with the specified id does not exist in the system.")
CONFLICT = (409, "Conflict", "Entity with the specified id already exists in the system.")
PRECONDITION = (
    412,
    "PreconditionFailed",
    "Operation cannot be performed because one of the specified precondition is not met",
)


@dataclass(frozen=True)
class Condition:
    """What `If-Match`, `If-None-Match` or the filter of a patch said."""

    match: str | None = None
    none_match: str | None = None
    fits: Callable[[Mapping[str, Any]], bool] = bool  # The filter of a patch; an item is true.

    def check(self, etag: str) -> None:
        """Raise 412 unless the item is still at the version that was asked for."""
        if self.match not in (None, "*", etag):
            raise Failed(*PRECONDITION)


ANY = Condition()


@dataclass
class Partition:
    """The items of one partition key, and since when each is there."""

    items: dict[str, Item] = field(default_factory=dict[str, Item])


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The partition keys of one physical partition, by the places that their hashes give them."""

    id: str
    least: str = ""
    end: str = "FF"
    parents: tuple[str, ...] = ()


@dataclass
class Container:
    """A container over a clock (in milliseconds), whose items are replaced and never changed."""

    name: str
    path: str
    now_ms: Callable[[], int]
    default_ttl: int | None = None  # None: items do not expire. -1: those that say so do.
    partitions: dict[str, Partition] = field(default_factory=dict[str, Partition])
    numbers: Iterable[int] = field(default_factory=lambda: count(1))
    last: int = 0
    ranges: list[KeyRange] = field(default_factory=lambda: [KeyRange("0")])
    replica: "Container | None" = None  # Without the changes since `fall_behind`.

    # --- points --------------------------------------------------------------------------------

    def read(self, key: str, id_: str) -> Item:
        """Return the item, or raise 404; an expired one is not there."""
        item = self._partition(key).items.get(id_)
        if item is None or self._is_over(item):
            raise Failed(*NOT_FOUND)
        return item

    def create(self, key: str, body: Item) -> Item:
        """Store a new item, or raise 409."""
        self._check(key, body)
        if self._has(key, body["id"]):
            raise Failed(*CONFLICT)
        return self._store(key, body)

    def replace(self, key: str, id_: str, body: Item, condition: Condition = ANY) -> Item:
        """Store an item over itself, or raise 404 or 412."""
        self._check(key, body)
        if body["id"] != id_:
            raise bad_request("The id of an item cannot be changed.")
        condition.check(self.read(key, id_)["_etag"])
        return self._store(key, body)

    def upsert(self, key: str, body: Item, condition: Condition = ANY) -> Item:
        """Store an item, whatever was there."""
        self._check(key, body)
        if self._has(key, body["id"]):
            condition.check(self.read(key, body["id"])["_etag"])
        return self._store(key, body)

    def delete(self, key: str, id_: str, condition: Condition = ANY) -> None:
        """Remove an item, or raise 404 or 412."""
        condition.check(self.read(key, id_)["_etag"])
        del self._partition(key).items[id_]

    def patch(
        self, key: str, id_: str, operations: Sequence[Mapping[str, Any]], condition: Condition
    ) -> Item:
        """Change parts of an item, or raise 404 or 412."""
        if not 1 <= len(operations) <= MOST_PATCHES:
            raise bad_request(f"A patch has 1 to {MOST_PATCHES} operations.")
        found = self.read(key, id_)
        condition.check(found["_etag"])
        if not condition.fits(found):
            raise Failed(*PRECONDITION)
        item = copy.deepcopy(found)
        for operation in operations:
            _patch(item, operation)
        return self.replace(key, id_, item)

    # --- many ----------------------------------------------------------------------------------

    def batch(self, key: str, steps: Sequence[Callable[["Container"], Any]]) -> list[Any]:
        """Take all steps in one partition or none: raise the failure of the first that fails, with
        its place in `args`."""
        if len(steps) > MOST_IN_A_BATCH:
            raise bad_request(f"A batch has at most {MOST_IN_A_BATCH} operations.")
        before = dict(self._partition(key).items)
        last = self.last
        results: list[Any] = []
        for place, step in enumerate(steps):
            try:
                results.append(step(self))
            except Failed as failed:
                self.partitions[key].items = before
                self.last = last
                failed.args = (*failed.args, place)
                raise
        return results

    def living(self, key: str | None) -> list[Item]:
        """Return the items of a partition, or of all, in order of their last change."""
        keys = self.partitions if key is None else [key]
        items = [item for each in keys for item in self._partition(each).items.values()]
        return sorted((item for item in items if not self._is_over(item)), key=number_of)

    # --- replicas ------------------------------------------------------------------------------

    def fall_behind(self) -> None:
        """Let one replica learn of no change from now on; reads that ask for less than the level of
        the account may be answered by it."""
        partitions = {key: Partition(dict(each.items)) for key, each in self.partitions.items()}
        self.replica = replace(self, partitions=partitions, replica=None)

    # --- partitions ----------------------------------------------------------------------------

    def split(self) -> None:
        """Make two of each physical partition, as the service does when one has grown."""
        ids = map(str, count(1 + max(int(each.id) for each in self.ranges)))
        halves: list[KeyRange] = []
        for each in self.ranges:
            middle = _middle(each)
            parents = (*each.parents, each.id)
            halves.append(KeyRange(next(ids), each.least, middle, parents))
            halves.append(KeyRange(next(ids), middle, each.end, parents))
        self.ranges = halves

    def place_of(self, item: Item) -> str:
        """Return where the hash of its partition key puts an item: 32 digits, by the real hash."""
        return self.place_of_key(json.dumps([_at(item, self.path)]))

    def place_of_key(self, key: str) -> str:
        """Return where the hash of a partition key, as JSON, puts its items."""
        hashing = PartitionKey(self.path)
        return str(hashing._get_effective_partition_key_string(json.loads(key)))

    # --- inside --------------------------------------------------------------------------------

    def _partition(self, key: str) -> Partition:
        return self.partitions.setdefault(key, Partition())

    def _has(self, key: str, id_: str) -> bool:
        item = self._partition(key).items.get(id_)
        return item is not None and not self._is_over(item)

    def _is_over(self, item: Item) -> bool:
        if self.default_ttl is None:
            return False
        seconds = item.get("ttl", self.default_ttl)
        return seconds != -1 and self.now_ms() // 1000 >= item["_ts"] + seconds

    def _check(self, key: str, body: Item) -> None:
        id_ = body.get("id")
        if not isinstance(id_, str) or not id_ or len(id_.encode()) > LONGEST_ID:
            raise bad_request("The input content is invalid because the required property id is.")
        if FORBIDDEN & set(id_) or id_.endswith(" "):
            raise bad_request("The id contains illegal chars.")
        if json.dumps([_at(body, self.path)]) != key:
            raise bad_request("The item has another partition key than the header says.", 1001)
        if len(json.dumps(body, ensure_ascii=False).encode()) > LARGEST_ITEM:
            raise Failed(413, "RequestEntityTooLarge", "The request payload is too large.")
        _check_ttl(body)

    def _store(self, key: str, body: Item) -> Item:
        self.last += 1
        item = {name: value for name, value in body.items() if name not in SYSTEM}
        item |= {
            "_rid": f"{self.name}-{body['id']}",
            "_self": f"dbs/x/colls/{self.name}/docs/{body['id']}/",
            "_etag": f'"{self.last:08x}-0000-0000"',
            "_attachments": "attachments/",
            "_ts": self.now_ms() // 1000,
        }
        self._partition(key).items[body["id"]] = item
        return item


def _middle(range_: KeyRange) -> str:
    # Hashes of the second version begin with 0 to 3.
    least = int(range_.least or "0", 16)
    end = min(int(range_.end.ljust(32, "0"), 16), 1 << 126)
    return f"{(least + end) // 2:032X}"


def number_of(item: Item) -> int:
    """Return the number of an item's last change."""
    return int(item["_etag"][1:9], 16)


def _at(body: Mapping[str, Any], path: str) -> Any:
    found: Any = body
    for step in path.strip("/").split("/"):
        if not isinstance(found, Mapping) or step not in found:
            raise bad_request(f"The item lacks the partition key {path}.", 1001)
        found = found[step]
    return found


def _check_ttl(body: Item) -> None:
    ttl = body.get("ttl")
    if ttl is not None and (not isinstance(ttl, int) or (ttl < 1 and ttl != -1)):
        raise bad_request("The ttl is a positive number of seconds, or -1.")


def _patch(item: Item, operation: Mapping[str, Any]) -> None:
    *above, last = [step for step in operation["path"].split("/") if step]
    place = item
    for step in above:
        if step not in place:
            raise bad_request(f"There is no {operation['path']} to patch.")
        place = place[step]
    kind = operation["op"]
    if kind == "set":
        place[last] = operation["value"]
    elif kind == "incr" and last in place:
        place[last] += operation["value"]
    else:
        raise bad_request(f"There is nothing to {kind} at {operation['path']}.")
