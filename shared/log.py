"""Logs are events: one JSON object a line on standard error, and never a secret in it."""

import sys
from typing import cast

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40}


def configure(level: str) -> None:
    """Write events of at least `level`, from now on."""
    _threshold.level = LEVELS[level]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _to_bytes(event: object, **_options: object) -> bytes:
    return orjson.dumps(event, default=str)


class _Threshold:
    """Drops events below a level; a logger keeps its class for ever, but asks this each time."""

    level = LEVELS["info"]

    def __call__(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """Return the event, or drop it."""
        if LEVELS[method] < self.level:
            raise structlog.DropEvent
        return event


_threshold = _Threshold()

# One list for ever: a logger keeps the list of its first event, and tests read events through it.
_PROCESSORS: list[structlog.typing.Processor] = [
    _threshold,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Without local variables: those of a request hold its token and its cookies.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(serializer=_to_bytes),
]

log = cast(structlog.typing.FilteringBoundLogger, structlog.get_logger())
