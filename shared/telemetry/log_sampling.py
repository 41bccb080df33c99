"""Which requests have a line in the log."""

from itertools import count

# Requests that change something, fail, are refused or are slow have a line in the log, and so does
# a share of those that only read (docs/decisions/0024).
SLOW_SECONDS = 1.0  # As long as the alert `latency-p95` allows.

# Lines of requests that are not sampled, for each process; more requests are sampled as reads are.
WHOLE_LINES_A_SECOND = 50
STACKS_A_SECOND = 5  # Stack traces of each process; each has some kilobytes.


class LogSampling:
    """Says for each request how many its line counts for; 0 if it gets no line."""

    def __init__(self, share: float) -> None:
        """`share` is of the requests that succeed and only read, from 0 to 1."""
        self._share = share
        self._sample_weight = max(round(1 / share), 1) if share else 0
        self._numbers = count()
        self._lines = RateBound(WHOLE_LINES_A_SECOND)
        self._stacks = RateBound(STACKS_A_SECOND)

    def sample_weight(self) -> int:
        """Return the weight of a request that succeeded and only read."""
        number = next(self._numbers)
        return self._sample_weight if number % (self._sample_weight or 1) == 0 else 0

    def bounded_weight(self, now: float) -> int:
        """Return the weight of any other request, which has a line of its own. Beyond a number of
        lines a second these are sampled, too: a client that asks for what is not there as fast as
        possible would fill the log. `now` is in seconds."""
        return 1 if self._share == 1 or self._lines.allows(now) else self.sample_weight()

    def has_room_for_a_stack(self, now: float) -> bool:
        """Return whether the stack of another failed request may be written."""
        return self._share == 1 or self._stacks.allows(now)


class RateBound:
    """Allows a number in each second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = -1
        self._allowed = 0

    def allows(self, now: float) -> bool:
        if int(now) != self._second:
            self._second = int(now)
            self._allowed = 0
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
