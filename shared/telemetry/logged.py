"""Functions that log what they are called with."""

from collections.abc import Callable

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.telemetry.log import log


def logged(
    event: str, *names: str, level: Callable[..., None] = log.warning
) -> Callable[..., None]:
    """Return a function that logs its arguments by these names; of a refusal, its outcome."""

    def report(*values: Coordinate | Refusal | str | int) -> None:
        fields = dict(zip(names, values, strict=True))
        level(
            event,
            **{
                name: value.outcome if isinstance(value, Refusal) else value
                for name, value in fields.items()
            },
        )

    return report
