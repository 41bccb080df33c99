"""A transport that sends the head of an answer together with the beginning of its body.

uvicorn writes them one after the other. Each write is a call of the system, and the first of them
wakes the client for a head that it can do nothing with: a third of what a small answer takes.
"""

import asyncio
from typing import Any

COPIED_BYTES = 64 * 1024  # Up to this size it costs less to copy a piece than to send two.

_HEAD = b"HTTP/1.1 "
_GO_ON = b"HTTP/1.1 100 "  # A client waits for this line before it sends its body.


class Joining(asyncio.Transport):
    """Holds a head back until the first piece of its body, or until there is none."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""
        # Asked for with every request, so without a step of ours in between.
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of itself."""
        return self._transport.get_extra_info(name, default)

    def write(self, data: Any) -> None:
        """Send the piece, with the head before it; hold it if it is a head.

        What comes after the end of the connection is dropped: of several requests under way uvicorn
        tells only the last, and uvloop raises for the others.
        """
        if self.is_closing():
            self._head = b""
        elif self._head:
            head, self._head = self._head, b""
            self.send(head, data)
        elif data[: len(_HEAD)] == _HEAD and data[: len(_GO_ON)] != _GO_ON:
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send the head of an answer that has no body."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()

    def send(self, head: bytes, data: Any) -> None:
        """Send a head and the first piece of its body; a large one is not copied."""
        if len(data) <= COPIED_BYTES:
            self._transport.write(head + data)
        else:
            self._transport.writelines((head, data))
