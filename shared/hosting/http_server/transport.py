"""A transport that sends the head of an answer together with the first piece of its body.

uvicorn writes them one after the other. Each write is a system call, and the first one wakes the
client for a head without a body: a third of the cost of a small answer.
"""

import asyncio
from typing import Any

COPIED_BYTES = 64 * 1024  # Up to this size, copying a piece costs less than sending two.

_HEAD = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 100 "  # A client waits for this line before it sends its body.


class HeadJoiningTransport(asyncio.Transport):
    """Holds a head back until the first piece of its body, or the end of the answer."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""
        # Called for every request, so without another function call.
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def write(self, data: Any) -> None:
        """Send a piece together with a head that is held; hold a head.

        Writes after the end of the connection are dropped: uvicorn reports the end to the last of
        several requests only, and uvloop raises for the others.
        """
        if self.is_closing():
            self._head = b""
        elif self._head:
            head, self._head = self._head, b""
            self.send(head, data)
        elif data[: len(_HEAD)] == _HEAD and data[: len(_CONTINUE)] != _CONTINUE:
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send the head of an answer that has no body."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def close(self) -> None:
        """Send the head that is held, and close."""
        self.flush()
        self._transport.close()

    def send(self, head: bytes, data: Any) -> None:
        """Send a head and the first piece of its body; a large piece is not copied."""
        if len(data) <= COPIED_BYTES:
            self._transport.write(head + data)
        else:
            self._transport.writelines((head, data))
