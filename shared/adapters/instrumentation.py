"""Stores that record the operation, the duration and the outcome of each call, as metrics and in
the trace of the current activity.
"""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from shared.domain.errors.base import Refusal
from shared.ports.advisories import AdvisoryFiles
from shared.ports.archive_store import ArchiveStore
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.ports.pull_records import PullRecordStore
from shared.ports.search import SearchIndex
from shared.ports.transparency import LogFiles
from shared.ports.work import WorkStore
from shared.services.adapters import Adapters
from shared.telemetry.activities import Activity, current_activity
from shared.telemetry.metrics import ANSWERED, BROKEN, STORE_CALLS, is_recording, record_metric

P = TypeVar("P")
StoreCall = Callable[..., Awaitable[Any]]


def instrumented(adapters: Adapters) -> Adapters:
    """Return the adapters with every store instrumented."""
    return replace(
        adapters,
        metadata=instrumented_store("metadata", MetadataStore, adapters.metadata),
        documents=instrumented_store("documents", DocumentStore, adapters.documents),
        archives=instrumented_store("archives", ArchiveStore, adapters.archives),
        directory=instrumented_store("directory", DirectoryStore, adapters.directory),
        events=instrumented_store("events", EventStore, adapters.events),
        work=instrumented_store("work", WorkStore, adapters.work),
        pulls=instrumented_store("pulls", PullLedger, adapters.pulls),
        pull_records=instrumented_store("pull_records", PullRecordStore, adapters.pull_records),
        search=instrumented_store("search", SearchIndex, adapters.search),
        log_files=instrumented_store("log_files", LogFiles, adapters.log_files),
        advisory_files=instrumented_store("advisory_files", AdvisoryFiles, adapters.advisory_files),
    )


def instrumented_store(name: str, port: type[P], store: P) -> P:
    """Return a store with the members of its port that records each call of a coroutine.

    A call costs reading the clock if metrics or traces are enabled. Members that are no
    coroutines, such as iterators, are those of the store itself.
    """
    return cast("P", _InstrumentedStore(name, port, store))


class _InstrumentedStore:
    """Records calls; the methods that do are made with their first use."""

    def __init__(self, name: str, port: type, store: object) -> None:
        self._name = name
        self._port = port
        self._store = store

    def __getattr__(self, operation: str) -> Any:
        declared = getattr(self._port, operation)
        if not inspect.iscoroutinefunction(declared):
            return getattr(self._store, operation)
        recorded = _recorded(self._name, operation, self._store)
        self.__dict__[operation] = recorded
        return recorded


def _recorded(store_name: str, operation: str, store: object) -> StoreCall:
    """Return the method of a store that records calls."""
    name = f"{store_name}.{operation}"
    call: StoreCall | None = None

    def recorded(*arguments: Any, **named: Any) -> Awaitable[Any]:
        nonlocal call
        if call is None:  # The first call looks it up, because that opens some stores.
            call = cast("StoreCall", getattr(store, operation))
        activity = current_activity()
        if activity is not None:
            activity.calls[name] = activity.calls.get(name, 0) + 1
        answer = call(*arguments, **named)
        traced = None if activity is None or activity.spans is None else activity
        if traced is None and not is_recording():
            return answer
        return _timed(store_name, operation, answer, traced)

    return recorded


async def _timed(
    store: str, operation: str, answer: Awaitable[Any], traced: Activity | None
) -> Any:
    started = time.perf_counter()
    outcome = BROKEN
    try:
        value = await answer
        outcome = ANSWERED
    except (Refusal, AlreadyThere, Stale) as refused:
        outcome = refused.outcome if isinstance(refused, Refusal) else type(refused).__name__
        raise
    else:
        return value
    finally:
        ended = time.perf_counter()
        if is_recording():
            attributes = {"store": store, "operation": operation, "outcome": outcome}
            record_metric(STORE_CALLS, ended - started, attributes)
        if traced is not None:
            traced.add_store_call(store, operation, outcome, started, ended)
