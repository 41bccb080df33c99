"""A transport of Microsoft's client libraries that opens no connection."""

from typing import Any, Self

from azure.core.pipeline.transport import AsyncHttpTransport


class InProcessTransport(AsyncHttpTransport[Any, Any]):
    """Answers in this process; a subclass says how, in `send`."""

    async def open(self) -> None:
        """Do nothing: there is no connection."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Do nothing: there is no connection."""
