"""Which requests leave a line in the log: all that change something, fail, are refused or are slow,
and a share of those that only read.

The share is chosen by the trace id, with the hash of Application Insights: the Functions host
samples its own records of requests by it, and the exporter its spans. So a request that is chosen
has its record of the host, its line and its spans, and another one leaves none of them
(docs/decisions/0024).
"""

from itertools import count
from operator import mul

from shared.telemetry.recording import TraceContext

SLOW_SECONDS = 1.0  # As long as the alert `latency-p95` allows.
WHOLE_LINES_A_SECOND = 50  # Of each process; what is above is sampled as reads are.
STACKS_A_SECOND = 5  # Of each process: one has some kilobytes.

_WORD, _SIGN = 2**32, 2**31
_LENGTH = 32  # Of a trace id.
_POWERS = [pow(33, power, _WORD) for power in reversed(range(_LENGTH))]
_START = 5381 * pow(33, _LENGTH, _WORD)


def trace_score(trace_id: str) -> float:
    """Return a number from 0 to 1, evenly distributed over trace ids: the hash DJB2 as a signed
    number of 32 bits, without its sign."""
    found = (_START + sum(map(mul, _POWERS, trace_id.encode("ascii")))) % _WORD
    return min(found, _WORD - found, _SIGN - 1) / (_SIGN - 1)


class LogSampling:
    """Says for each request how many its line stands for."""

    def __init__(self, share: float) -> None:
        """`share` is of the requests that succeed and only read, from 0 to 1."""
        self._share = share
        self._stands_for = max(round(1 / share), 1) if share else 0
        self._numbers = count()
        self._lines = _RateBound(WHOLE_LINES_A_SECOND)
        self._stacks = _RateBound(STACKS_A_SECOND)

    def weigh(self, trace: TraceContext | None) -> int:
        """Return how many requests the line of one that succeeded stands for, 0 for no line."""
        return self._stands_for if self._is_chosen(trace) else 0

    def weigh_whole(self, trace: TraceContext | None, now: float) -> int:
        """Return the same for a request of which each has a line, but not any number a second: who
        asks for what is not there as fast as possible would fill the log. `now` is in seconds."""
        return 1 if self._share == 1 or self._lines.allows(now) else self.weigh(trace)

    def has_room_for_a_stack(self, now: float) -> bool:
        """Return whether the stack of another failed request may be written."""
        return self._share == 1 or self._stacks.allows(now)

    def _is_chosen(self, trace: TraceContext | None) -> bool:
        if self._share in (0, 1):
            return self._share == 1
        if trace is not None:
            return trace_score(trace.trace_id) < self._share
        number = next(self._numbers)
        return int((number + 1) * self._share) > int(number * self._share)


class _RateBound:
    """Allows a number in each second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second, self._allowed = -1, 0

    def allows(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._allowed = int(now), 0
        self._allowed += 1
        return self._allowed <= self._most


class _Current:
    sampling = LogSampling(1)


_current = _Current()


def set_log_share(share: float) -> None:
    """Write lines of this share of the requests that succeed and only read, in this process."""
    _current.sampling = LogSampling(share)


def log_sampling() -> LogSampling:
    """Return the choice of this process."""
    return _current.sampling
