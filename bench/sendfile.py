"""The best way to send a file from Python: a bare loop that answers every request by sendfile."""

import asyncio
import socket
import sys
from pathlib import Path

PATH = Path(sys.argv[2]) / "file.bala"


async def serve(port: int) -> None:
    """Accept connections for ever."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", port), backlog=128) as listening:
        listening.setblocking(False)
        while True:
            connection, _ = await loop.sock_accept(listening)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asyncio.ensure_future(answer(connection))  # noqa: RUF006 - it ends with its client.


async def answer(connection: socket.socket) -> None:
    """Answer the requests of one connection."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    with connection:
        while await loop.sock_recv(connection, 65_536):
            size = PATH.stat().st_size
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
            await loop.sock_sendall(connection, head)
            with PATH.open("rb") as file:
                await loop.sock_sendfile(connection, file)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
