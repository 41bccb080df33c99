"""A request that a benchmark sends, to a server or to a host within its process."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Requested:
    """A request: a POST if it has a body."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"

    def encoded(self, token: str) -> bytes:
        """Return the bytes to send to a server, with a token unless it is empty."""
        headers = {"Host": "127.0.0.1", **self.headers}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self.body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body
