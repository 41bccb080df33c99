"""The registry as `make run` starts it; it says how long its event loop was held: `GET /held`.

A task waits for a millisecond again and again. What the threads of the process take of the
processor from one of its turns to the next is what others waited for the process at most: the turns
of the loop, and threads that have the interpreter. What the loop's own thread takes is how long it
ran without giving way. Time in which other programs had the processor is not in either.
"""

import asyncio
import os
import sys
import time

from msgspec.structs import replace
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.hosting.http_server.processes import serve
from shared.localhost import prepare_data_folder, server_options
from shared.settings import Settings
from tests.support.worst_requests import seconds_of_work

HELD = "/held"
WAITED_SECONDS = 0.001
PIECES = 5  # Of work, of which the fastest says how slow the machine is.


class Watched:
    """Serves an application, and answers how long the loop was held since it was last asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._forget()
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/held`, and let the application answer all else."""
        if scope["type"] == "lifespan":
            self._watching = asyncio.create_task(self._watch())
        if scope.get("path") != HELD:
            await self._app(scope, receive, send)
            return
        work = min(seconds_of_work() for _ in range(PIECES))
        held = {"seconds": self._longest, "loop_seconds": self._longest_of_loop, "work": work}
        await JSONResponse(held)(scope, receive, send)
        self._forget()

    def _forget(self) -> None:
        self._longest = 0.0
        self._longest_of_loop = 0.0
        self._turn()

    def _turn(self) -> None:
        self._turned = time.process_time()
        self._turned_of_loop = time.thread_time()

    async def _watch(self) -> None:
        while True:
            self._turn()
            await asyncio.sleep(WAITED_SECONDS)
            self._longest = max(self._longest, time.process_time() - self._turned)
            of_loop = time.thread_time() - self._turned_of_loop
            self._longest_of_loop = max(self._longest_of_loop, of_loop)


def main() -> None:
    """Serve until a signal."""
    settings = Settings.load()
    plan = server_options(settings)
    serve(
        replace(plan, build=lambda: Watched(plan.build())),
        prepare=lambda: print(prepare_data_folder(settings)),
        announce=lambda: None,
    )


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
