"""The app while the registry cannot be started: it answers 503, and starts the registry again.

Without any Function the host would answer 404, which clients take for a missing package. Nothing of
ours but the names of these Functions is imported here before it is needed, so that an import that
fails is answered as well.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import azure.functions as func

from functions.host_functions import CATCH_ALL, EVERY_PATH, TIMER, TIMER_SCHEDULE

SECONDS_BETWEEN_STARTS = 10

_ALL_METHODS = tuple(each.value for each in func.HttpMethod)
_NO_CONTEXT = cast("func.Context", None)

Start = Callable[[], func.FunctionApp]


class SettingRefused(Exception):
    """A setting cannot be used; the message says why, with a value that is no secret."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(reason)
        self.variable = variable


def started_app(start: Start, clock: Callable[[], float] = time.monotonic) -> func.FunctionApp:
    """Return the app that `start` builds, or one that answers 503 until `start` succeeds."""
    try:
        return start()
    except Exception as failure:
        return _app_of(_FailedStart(start, failure, clock))


def _app_of(failed_start: "_FailedStart") -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    async def missing(
        req: func.HttpRequest, context: func.Context = _NO_CONTEXT
    ) -> func.HttpResponse:
        answer = await failed_start.function(CATCH_ALL)
        return failed_start.unavailable() if answer is None else await answer(req, context)

    async def upkeep(timer: func.TimerRequest, context: func.Context = _NO_CONTEXT) -> None:
        run = await failed_start.function(TIMER)
        if run is not None:  # An app that only answers reads has no timer.
            await run(timer, context)

    app.function_name(CATCH_ALL)(app.route(EVERY_PATH, methods=_ALL_METHODS)(missing))
    app.function_name(TIMER)(app.timer_trigger(arg_name="timer", schedule=TIMER_SCHEDULE)(upkeep))
    return app


class _FailedStart:
    """Starts the registry again at most each ten seconds; once it runs, it stays.

    The host has the Functions of the first start until the process ends, so its catch-all answers
    every request then, by the router of the registry.
    """

    def __init__(self, start: Start, failure: Exception, clock: Callable[[], float]) -> None:
        self._start = start
        self._clock = clock
        self._functions: Mapping[str, Callable[..., Awaitable[Any]]] = {}
        self._is_starting = False
        self._note(failure)

    async def function(self, name: str) -> Callable[..., Awaitable[Any]] | None:
        """Return a Function of the registry, None if it does not run or has none of this name."""
        if not self._functions and not self._is_starting and self._clock() >= self._next_start:
            await self._start_again()
        return self._functions.get(name)

    async def _start_again(self) -> None:
        self._is_starting = True
        try:
            # A thread, so that other requests are refused meanwhile.
            app = await asyncio.to_thread(self._start)
            functions = app.get_functions()
        except Exception as failure:
            self._note(failure)
        else:
            self._functions = {
                str(each.get_function_name()): each.get_user_function() for each in functions
            }
            _log_recovered_start()
        finally:
            self._is_starting = False

    def _note(self, failure: Exception) -> None:
        """Log a failure, and keep what clients read about it, which never has a value."""
        self._next_start = self._clock() + SECONDS_BETWEEN_STARTS
        reason = "it could not be started"
        if isinstance(failure, SettingRefused):
            reason = f"its setting {failure.variable} cannot be used"
        self._sentence = (
            f"The registry does not run: {reason}, and its log says why. Tell its operator."
        )
        _log(failure)

    def unavailable(self) -> func.HttpResponse:
        body = json.dumps({"message": self._sentence}).encode()
        headers = {
            "Cache-Control": "no-store",
            "Content-Length": str(len(body)),
            "Retry-After": str(SECONDS_BETWEEN_STARTS),
        }
        return func.HttpResponse(
            body, status_code=503, headers=headers, mimetype="application/json"
        )


def _log(failure: Exception) -> None:
    """Log the failure, which is being handled."""
    try:
        from shared.telemetry.log import log  # noqa: PLC0415 - its import may be what fails.

        if isinstance(failure, SettingRefused):
            log.error("settings.refused", reason=str(failure))
        else:
            log.exception("start.failed")
    except Exception:
        logging.getLogger("ballroom").exception("start.failed", exc_info=failure)


def _log_recovered_start() -> None:
    from shared.telemetry.log import log  # noqa: PLC0415 - as above; a registry has it.

    log.info("start.recovered")
