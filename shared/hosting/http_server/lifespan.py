"""The start and the end of an application (the lifespan protocol of ASGI)."""

import asyncio

from shared.hosting.requests import ASGIApp, Message
from shared.telemetry.log import log

_SCOPE = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}


class Lifespan:
    """Starts an application, and ends it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._messages = asyncio.Queue[Message]()
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        self._has_failed = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        """Wait until the application has started; return whether it has."""
        self._task = asyncio.create_task(self._run())
        self._messages.put_nowait({"type": "lifespan.startup"})
        await self._started.wait()
        return not self._has_failed

    async def end(self) -> None:
        """Wait until the application has ended, unless it failed before."""
        if not self._has_failed:
            self._messages.put_nowait({"type": "lifespan.shutdown"})
            await self._ended.wait()

    async def _run(self) -> None:
        try:
            await self._app(dict(_SCOPE), self._messages.get, self._send)
        except Exception:
            log.exception("application.failed")
            self._has_failed = True
        finally:
            self._started.set()
            self._ended.set()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._started.set()
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                log.error("application.lifespan_failed", reason=message.get("message", ""))
                self._has_failed = True
                self._started.set()
                self._ended.set()
            case "lifespan.shutdown.complete":
                self._ended.set()
            case other:
                raise ValueError(other)
