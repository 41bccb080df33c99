"""The program `ballroom` as it is, which notes whom it calls.

`python -m tests.support.noted_connections …` runs a command of it, `serve` without any. Each lookup
of a name and each connection is a line of the file that NOTED names: an event of Python, and its
address. Processes that it starts of itself, as workers are, are not noted.
"""

import json
import os
import sys
from pathlib import Path

NOTED = "NOTED_CONNECTIONS"
CALLS = {
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.sendmsg",
    "socket.sendto",
}


def main() -> None:
    """Run the command of the arguments."""
    file = os.open(os.environ[NOTED], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(event: str, details: tuple[object, ...]) -> None:
        if event in CALLS:
            address = details[0] if event.startswith("socket.get") else details[-1]
            os.write(file, json.dumps([event, address], default=str).encode() + b"\n")

    sys.addaudithook(note)
    from shared.command_line import run

    sys.argv[1:] = sys.argv[1:] or ["serve"]
    run()


def noted(file: Path) -> list[tuple[str, str]]:
    """Return the event and the host of each line; an empty host is a way on this machine."""
    found: list[tuple[str, str]] = []
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        event, address = json.loads(line)
        # The address of a socket of Unix is a path, and that of a name to look up is the name.
        is_path = isinstance(address, str) and event in {"socket.connect", "socket.sendto"}
        host = "" if is_path else address[0] if isinstance(address, list) else address
        found.append((event, str(host)))
    return found


if __name__ == "__main__":
    main()
