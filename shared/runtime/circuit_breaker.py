"""A circuit breaker for a server of somebody else: while it fails, it is not asked."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.times import MS
from shared.ports.http_client import AnswerUnusable, NoRoomToFetch, ServerUnreachable, Unanswered
from shared.ports.system import Clock
from shared.ports.upstream import UpstreamBusy

# Failures since the last answer: requests without a connection, and packages for which the upstream
# failed. An answer about one package, and what a caller sends, do not stop requests about other
# packages.
FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=30)  # Then one request is tried, and its outcome decides.


T = TypeVar("T")


class ServerHealth(Struct, frozen=True):
    """What a process knows of the server: `reason` is why the last request failed, empty if it
    was answered, and `unusable` names the last answer that could not be used, and why."""

    is_answering: bool = True
    asked: bool = False
    reason: str = ""
    unusable: str = ""


class CircuitBreaker:
    """Lets requests to a server through while it answers, and after the pauses that it asks for.

    It is of one process: what one learns costs each of the others a few requests.
    """

    def __init__(self, clock: Clock, on_failure: Callable[[str], None]) -> None:
        """`on_failure` is called with the reason of each failure, for the log."""
        self._clock = clock
        self._on_failure = on_failure
        self._failures = set[str]()
        self._open_until_ms: int | None = None  # A time of the monotonic clock.
        self._kind = ServerUnreachable  # The kind of the last failure.
        # The subjects of the requests that decide whether it closes.
        self._trial_subjects = list[str]()
        self.health = ServerHealth()

    async def ask(self, subject: str, request: Callable[[], Awaitable[T]]) -> T:
        """Return the server's answer about a subject, such as a package.

        Raises `ServerUnreachable` at once while it is left alone, and what the request raises. An
        archive and its description are asked for together, so both are tried then.
        """
        until_ms = self._open_until_ms
        may_try = not self._trial_subjects or self._trial_subjects == [subject]
        if until_ms is not None and (not may_try or self._clock.monotonic_ms() < until_ms):
            message = f"it is left alone for a time: {self.health.reason}"
            raise self._kind(message)
        is_trial = until_ms is not None
        if is_trial:
            self._trial_subjects.append(subject)
        try:
            answer = await request()
        except AnswerUnusable as error:  # It is there.
            self._note_answer(is_trial=is_trial)
            self.note_unusable(subject, str(error))
            raise
        except NoRoomToFetch:
            raise  # It says nothing about the server.
        except Unanswered as error:
            self._note_failure(subject, error)
            raise
        finally:
            if is_trial:
                self._trial_subjects.remove(subject)
        self._note_answer(is_trial=is_trial)
        return answer

    def note_unusable(self, subject: str, reason: str) -> None:
        """Note that an answer cannot be used, which opens nothing."""
        self.health = replace(self.health, unusable=f"{subject}: {reason}")
        self._on_failure(self.health.unusable)

    def _note_answer(self, *, is_trial: bool) -> None:
        # The answer to a request from before it opened says nothing about a pause.
        if is_trial or self._open_until_ms is None:
            self._failures.clear()
            self._open_until_ms = None
        is_answering = self._open_until_ms is None
        self.health = replace(self.health, is_answering=is_answering, asked=True, reason="")

    def _note_failure(self, subject: str, error: Unanswered) -> None:
        is_every = isinstance(error, ServerUnreachable)
        unusable = self.health.unusable if is_every else f"{subject}: {error}"
        failure = f"{subject} {len(self._failures)}" if is_every else subject
        # A package that failed before says nothing about the others: another one is tried next.
        is_new = failure not in self._failures
        was_open = self._open_until_ms is not None
        self._failures.add(failure)
        self._kind = type(error) if isinstance(error, ServerUnreachable) else ServerUnreachable
        is_opening = was_open or len(self._failures) >= FAILURES_TO_OPEN
        if isinstance(error, UpstreamBusy) or (is_opening and is_new):
            wait = error.wait if isinstance(error, UpstreamBusy) else OPEN_FOR
            self._open_until_ms = self._clock.monotonic_ms() + wait // MS
        is_answering = self._open_until_ms is None
        self.health = ServerHealth(is_answering, asked=True, reason=str(error), unusable=unusable)
        self._on_failure(str(error))
