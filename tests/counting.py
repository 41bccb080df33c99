"""A port that counts how often each of its methods is called."""

from collections import Counter
from typing import Any, TypeVar, cast

Port = TypeVar("Port")


def counting(port: Port, calls: Counter[str]) -> Port:
    """Return `port`, with every call counted in `calls` by the name of the method."""
    return cast("Port", _Counting(port, calls))


class _Counting:
    def __init__(self, port: object, calls: Counter[str]) -> None:
        self._port = port
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute

        def counted(*values: Any, **named: Any) -> Any:
            self._calls[name] += 1
            return attribute(*values, **named)

        return counted
