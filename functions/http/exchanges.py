"""One request and its answer in the log, the metrics and the traces, and the context that the
Functions host passes to a Function beside its trigger.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Self, TypeVar

import azure.functions as func

from shared.log import SLOW_SECONDS, log, log_request, log_sampling
from shared.telemetry import recording
from shared.telemetry.metrics import REQUESTS
from shared.telemetry.recording import Activity, SpanOrigin

FIRST_ERROR_STATUS = 400

# A request id is an id of the process and a number in that process.
_PROCESS = os.urandom(4).hex()
_NUMBERS = count(1)


@dataclass(slots=True)
class Exchange:
    """One request and its answer, which are one line in the log, or counted by the line of
    another one. `principal` is the id of the caller, once it is known."""

    operation: str
    is_ordinary: bool
    request_id: str
    started: float
    activity: Activity
    principal: str = ""

    @classmethod
    def begin(
        cls,
        operation: str,
        trace: str = "",
        origin: SpanOrigin = SpanOrigin.SERVED,
        *,
        is_ordinary: bool = True,
    ) -> Self:
        """Begin an exchange; `trace` is a `traceparent`. Lines of ordinary ones may be counted
        together, if they succeed."""
        request_id = f"{_PROCESS}{next(_NUMBERS):08x}"
        activity = Activity.begin(operation, origin, trace)
        return cls(operation, is_ordinary, request_id, time.perf_counter(), activity)

    def note_failure(self) -> None:
        """Log the exception that is handled."""
        if log_sampling().has_room_for_a_stack(time.perf_counter()):
            log.exception("request.broken", request_id=self.request_id)

    def end(self, status: int, outcome: str) -> None:
        """Write the log line, and record metrics and the span if telemetry is on."""
        now = time.perf_counter()
        seconds = now - self.started
        stands_for = self._weigh(status, seconds, now)
        if stands_for:
            log_request(
                operation=self.operation,
                status=status,
                outcome=outcome,
                principal=self.principal,
                request_id=self.request_id,
                seconds=round(seconds, 6),
                **self.activity.log_fields(),
                **({"stands_for": stands_for} if stands_for > 1 else {}),
            )
        if recording.is_enabled():
            face = self.operation.partition("_")[0]
            attributes = {"face": face, "operation": self.operation, "outcome": outcome}
            recording.record_metric(REQUESTS, seconds, {**attributes, "status": status})
            self.activity.end({**attributes, "http.response.status_code": status})

    def _weigh(self, status: int, seconds: float, now: float) -> int:
        """Return how many requests the line of this one stands for, 0 for no line."""
        sampling, trace = log_sampling(), self.activity.trace
        is_counted = self.is_ordinary and status < FIRST_ERROR_STATUS and seconds < SLOW_SECONDS
        return sampling.weigh(trace) if is_counted else sampling.weigh_whole(trace, now)


FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def declare_context(function: FunctionT) -> FunctionT:
    """Declare the parameter `context` of a Function, which may be None, as the host demands.

    The Functions host passes the context to a parameter of that name and type, and rejects a type
    that allows None. The local host passes no context.
    """
    function.__annotations__["context"] = func.Context
    return function


def traceparent_of(context: func.Context | None, sent: str) -> str:
    """Return the `traceparent` of the host's context, else the one that the client sent."""
    return sent if context is None else context.trace_context.trace_parent or ""
