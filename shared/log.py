"""Logs are events: one JSON object a line on standard error, and never a secret in it."""

import sys
from typing import cast

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str) -> None:
    """Write events of at least `level`; called once, before the first event."""
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _to_bytes(event: object, **_options: object) -> bytes:
    return orjson.dumps(event, default=str)


# One list for ever: a logger keeps the list of its first event, and tests read events through it.
_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Without local variables: those of a request hold its token and its cookies.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(serializer=_to_bytes),
]

log = cast(structlog.typing.FilteringBoundLogger, structlog.get_logger())
