"""Ports that note the calls of their methods: how often, or in which order."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar, cast

from shared.bootstrap import World as Stores

Port = TypeVar("Port")


# What a registry is built over and no request waits for.
NO_STORES = {
    "clock", "randomness", "keys", "archive_path", "close", "edition", "links", "edge",
    "writable",
}  # fmt: skip


def counting(port: Port, calls: Counter[str]) -> Port:
    """Return `port`, with every call counted in `calls` by the name of the method."""
    return noting(port, lambda method: calls.update([method]))


def noting(port: Port, note: Callable[[str], None]) -> Port:
    """Return `port`, which tells `note` the name of each method when it is called."""
    return cast("Port", _Noting(port, note))


@dataclass
class Journal:
    """Every call of every store in the order they begin: `metadata.find`, `archives.read`."""

    calls: list[str] = field(default_factory=list[str])

    def wrap(self, stores: Stores) -> Stores:
        """Return the stores with every call written down here."""
        names = [each.name for each in fields(stores) if each.name not in NO_STORES]
        ports = {name: noting(getattr(stores, name), self._note(name)) for name in names}
        return replace(stores, **ports)

    def taken(self) -> list[str]:
        """Return what was called since this was asked last."""
        calls, self.calls = self.calls, []
        return calls

    def _note(self, port: str) -> Callable[[str], None]:
        return lambda method: self.calls.append(f"{port}.{method}")


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
