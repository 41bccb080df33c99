"""A port that fails when a test says so, before or after the call takes effect."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, cast

Port = TypeVar("Port")


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
