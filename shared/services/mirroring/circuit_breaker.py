"""The gate to the upstream: a circuit breaker, and the pauses that the upstream asks for.

It is of one process: what one learns costs each of the others a few requests.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from shared.ports import (
    AnswerUnusable,
    Clock,
    NoRoomToFetch,
    ServerUnreachable,
    Unanswered,
    UpstreamBusy,
)

# Since the last answer: requests without a connection, and packages for which the upstream failed.
# What it answers about one package, and what a caller sends, closes it for no other package.
FAILURES_TO_CLOSE = 5
CLOSED_FOR = timedelta(seconds=30)  # Then one request is tried, and its outcome decides.

_MS = timedelta(milliseconds=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpstreamHealth:
    """The state of the upstream as a process knows it; `reason` is that of the last failure, and
    `unusable` names the last answer that could not be used, and why."""

    is_open: bool = True
    asked: int = 0
    failed: int = 0
    reason: str = ""
    failed_ms: int | None = None
    answered_ms: int | None = None
    unusable: str = ""

    @property
    def problem(self) -> str:
        """The reason if the last request failed; otherwise empty."""
        has_failed = self.failed_ms is not None and self.failed_ms >= (self.answered_ms or 0)
        return self.reason if has_failed or not self.is_open else ""


class UpstreamGate:
    """Lets requests to the upstream through while it answers."""

    def __init__(self, clock: Clock, failed: Callable[[str], None]) -> None:
        """`failed` is called with the reason of each failure, for the log."""
        self._clock = clock
        self._failed = failed
        self._failures = set[str]()
        self._closed_until_ms: int | None = None  # Of the monotonic clock.
        self._is_trying = False
        self._health = UpstreamHealth()

    @property
    def health(self) -> UpstreamHealth:
        return self._health

    @property
    def opens_in(self) -> timedelta:
        """How long the upstream is left alone from now on; zero while the gate is open."""
        until_ms = self._closed_until_ms
        return max(until_ms - self._clock.monotonic_ms(), 0) * _MS if until_ms else timedelta(0)

    async def ask(self, subject: str, request: Callable[[], Awaitable[T]]) -> T:
        """Return the upstream's answer about a subject, such as a package.

        Raises `ServerUnreachable` at once while the gate is closed, and what the request raises.
        """
        until_ms = self._closed_until_ms
        if until_ms is not None and (self._is_trying or self._clock.monotonic_ms() < until_ms):
            message = f"it is left alone for a time: {self._health.reason}"
            raise ServerUnreachable(message)
        is_trial = until_ms is not None
        self._is_trying = self._is_trying or is_trial
        try:
            answer = await request()
        except AnswerUnusable as error:  # It is there.
            self._note_answer(is_trial=is_trial)
            self.note_unusable(subject, str(error))
            raise
        except NoRoomToFetch:
            raise  # It says nothing about the upstream.
        except Unanswered as error:
            self._note_failure(subject, error)
            raise
        finally:
            self._is_trying = self._is_trying and not is_trial
        self._note_answer(is_trial=is_trial)
        return answer

    def note_unusable(self, subject: str, reason: str) -> None:
        """Note that an answer cannot be used, which closes nothing."""
        self._health = replace(self._health, unusable=f"{subject}: {reason}")
        self._failed(self._health.unusable)

    def _note_answer(self, *, is_trial: bool) -> None:
        # The answer to a request from before the gate closed says nothing about a pause.
        if is_trial or self._closed_until_ms is None:
            self._failures.clear()
            self._closed_until_ms = None
        self._health = replace(
            self._health,
            is_open=self._closed_until_ms is None,
            asked=self._health.asked + 1,
            answered_ms=self._clock.now_ms(),
        )

    def _note_failure(self, subject: str, error: Unanswered) -> None:
        is_every = isinstance(error, ServerUnreachable)
        failure = f"{subject} {len(self._failures)}" if is_every else subject
        # A package that failed before says nothing about the others: another one is tried next.
        is_new, was_closed = failure not in self._failures, self._closed_until_ms is not None
        self._failures.add(failure)
        is_closing = was_closed or len(self._failures) >= FAILURES_TO_CLOSE
        if isinstance(error, UpstreamBusy) or (is_closing and is_new):
            wait = error.wait if isinstance(error, UpstreamBusy) else CLOSED_FOR
            self._closed_until_ms = self._clock.monotonic_ms() + wait // _MS
        self._health = replace(
            self._health,
            is_open=self._closed_until_ms is None,
            asked=self._health.asked + 1,
            failed=self._health.failed + 1,
            reason=str(error),
            failed_ms=self._clock.now_ms(),
        )
        self._failed(str(error))
