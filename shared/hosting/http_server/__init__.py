"""The HTTP server of the local host: httptools parses requests, and asyncio or uvloop has sockets.

- `connection.py`: one connection with its requests in their order, its time-outs and its limits.
- `heads.py`: heads of requests: their limits, repeated heads, and heads that ask for an upgrade.
- `served_request.py`: one request and its answer, as the application receives and sends them.
- `tls_handshakes.py`: connections in their handshake, which serve no requests yet.
- `turns.py`: how many requests a turn of the event loop reads.
- `lifespan.py`: the start and the end of the application.
- `server.py`: one process with its socket, its connections and its end.
- `garbage_collection.py`: garbage collection in short pauses.
- `processes.py`: the checks before a start, and several processes that share a socket.
"""
