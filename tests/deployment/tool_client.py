"""Run a program in a fork of a process that has imported it; it imports nothing that takes time.

`python -I -S tool_client.py SOCKET PROGRAM WORDS`
"""

import _socket  # `socket` takes longer to import than all else here.
import marshal
import os
import sys


def main(address: str, command: list[str]) -> int:
    """Send the command with the open files of this process; return the exit code."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(address)
    files = b"".join(file.to_bytes(4, sys.byteorder) for file in (0, 1, 2))
    connection.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import.
    connection.sendall(marshal.dumps((command, folder, dict(os.environ))))
    connection.shutdown(_socket.SHUT_WR)
    # One byte, or none of a process that died.
    return (connection.recv(1) or b"\x7f")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
