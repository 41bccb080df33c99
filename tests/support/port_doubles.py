"""Ports that record the calls of their methods, or fail when a test says so."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, cast

from msgspec.structs import asdict, replace

from shared.domain.packages import FoundRelease, Survey
from shared.ports.metadata import MetadataStore
from shared.services.adapters import Adapters

Port = TypeVar("Port")

# What a registry is built over and no request waits for.
NO_STORES = {
    "clock",
    "randomness",
    "keys",
    "archive_path",
    "close",
    "edition",
    "links",
    "edge",
    "require_disk_space",
    "connect_upstream",
}


def counting(port: Port, calls: Counter[str]) -> Port:
    """Return `port`, with every call counted in `calls` by the name of the method."""
    return noting(port, lambda method: calls.update([method]))


def noting(port: Port, note: Callable[[str], None]) -> Port:
    """Return `port`, which tells `note` the name of each method when it is called."""
    return cast("Port", _Noting(port, note))


@dataclass
class Journal:
    """Every call of every store in the order they begin: `metadata.find`, `archives.read`; and how
    many packages and releases these calls found."""

    calls: list[str] = field(default_factory=list[str])
    found: Counter[str] = field(default_factory=Counter[str])

    def wrap(self, stores: Adapters) -> Adapters:
        """Return the stores with every call written down here."""
        ports = {
            name: noting(port, self._note(name))
            for name, port in asdict(stores).items()
            if name not in NO_STORES and port is not None  # The cloud has no room to count.
        }
        ports["metadata"] = cast("MetadataStore", _Finding(ports["metadata"], self.found))
        return replace(stores, **ports)

    def taken(self) -> list[str]:
        """Return what was called since this was asked last."""
        calls = self.calls
        self.calls = []
        return calls

    def taken_finds(self) -> list[str]:
        """Return how many packages and releases were found since this was asked last."""
        finds = [f"{name} found {count}" for name, count in sorted(self.found.items())]
        self.found.clear()
        return finds

    def _note(self, port: str) -> Callable[[str], None]:
        return lambda method: self.calls.append(f"{port}.{method}")


PORTS = (
    "metadata",
    "documents",
    "archives",
    "directory",
    "events",
    "work",
    "pulls",
    "pull_records",
    "search",
)


@dataclass
class Ledger:
    """Counts the calls of every port."""

    by_port: Mapping[str, Counter[str]] = field(
        default_factory=lambda: {port: Counter[str]() for port in PORTS}
    )

    def wrap(self, stores: Adapters) -> Adapters:
        """Return the stores with every call counted."""
        ports = {
            port: counting(getattr(stores, port), calls) for port, calls in self.by_port.items()
        }
        return replace(stores, **ports)

    def forget(self) -> None:
        """Begin again."""
        for calls in self.by_port.values():
            calls.clear()

    def calls(self) -> dict[str, int]:
        """Return how often each method of each port was called."""
        return {
            f"{port}.{method}": count
            for port, calls in self.by_port.items()
            for method, count in calls.items()
        }


class _Finding:
    """Counts the packages and releases that their store returns."""

    def __init__(self, metadata: MetadataStore, found: Counter[str]) -> None:
        self._metadata = metadata
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)

    async def survey(self, *values: Any, **named: Any) -> list[Survey | None]:
        surveys = await self._metadata.survey(*values, **named)
        self._found["metadata.survey"] += sum(each is not None for each in surveys)
        return surveys

    async def find(self, *values: Any, **named: Any) -> FoundRelease:
        found = await self._metadata.find(*values, **named)
        self._found["metadata.find"] += found.head is not None
        return found


class _Noting:
    def __init__(self, port: object, note: Callable[[str], None]) -> None:
        self._port = port
        self._note = note

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute

        def noted(*values: Any, **named: Any) -> Any:
            self._note(name)
            return attribute(*values, **named)

        return noted

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Call what is a function, such as `Adapters.disk_space`; it is no operation of a store."""
        function = cast("Callable[..., Any]", self._port)
        return function(*values, **named)


class Moment(Enum):
    """When a call fails: before anything happened, or after all of it did."""

    BEFORE = "before"
    AFTER = "after"


@dataclass
class Fault:
    """The n-th call of a method raises an error; every other call goes through."""

    method: str
    error: Exception
    moment: Moment = Moment.BEFORE
    nth: int = 1
    calls: int = field(default=0, init=False)

    def strikes(self) -> bool:
        """Count a call, and say whether it is the one that fails."""
        self.calls += 1
        return self.calls == self.nth

    def at(self, port: str) -> Callable[[Adapters], Adapters]:
        """Return a `wrap` for a world, one of whose stores has this fault."""
        return lambda stores: replace(stores, **{port: failing(getattr(stores, port), self)})


def failing(port: Port, fault: Fault) -> Port:
    """Return `port` with one fault."""
    return cast("Port", _Failing(port, fault))


class _Failing:
    def __init__(self, port: object, fault: Fault) -> None:
        self._port = port
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if name != self._fault.method:
            return attribute

        async def faulty(*values: Any, **named: Any) -> Any:
            if not self._fault.strikes():
                return await attribute(*values, **named)
            if self._fault.moment is Moment.AFTER:
                await attribute(*values, **named)
            raise self._fault.error

        return faulty
