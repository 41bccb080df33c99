"""Requests that ask for another protocol (`Upgrade`), which are read like any other."""

from collections.abc import Sequence
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.hosting.requests import RawHeader
from shared.hosting.responses import lines_of


class UpgradeIgnored(HttpToolsProtocol):
    """Reads the bodies of requests that ask for another protocol, as the real host does.

    The parser ends such a request at its head, and would read its body as the next request. So it
    reads the head once more, without the `Upgrade` headers, and then what follows. Only the parser
    decides which requests ask for another protocol, so no spelling of a head gets around this.
    """

    _upgrades: Sequence[RawHeader] = ()  # The headers that the second reading leaves out.
    _second_head = b""  # What is read once more when the parser stops.

    def parse(self, data: bytes) -> None:
        """Read a piece; raise `HttpParserError` for an invalid request."""
        rest: Any = data
        while rest:
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
                self._read_second_head()
            else:
                return

    def withholds_upgrade(self) -> bool:
        """At the end of a head, return whether it is read once more, and ignored until then."""
        parser: Any = self.parser
        if not parser.should_upgrade() or parser.get_method() == b"CONNECT":  # CONNECT is refused.
            if self._upgrades:
                self.headers += self._upgrades
                self._upgrades = ()
            return False
        version = parser.get_http_version().encode()
        line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, version)
        self._upgrades = [each for each in self.headers if each[0] == b"upgrade"]
        others = [each for each in self.headers if each[0] != b"upgrade"]
        self._second_head = line + lines_of(others) + b"\r\n"
        return True

    def _read_second_head(self) -> None:
        head, self._second_head = self._second_head, b""
        # The old parser reads nothing more if the request is the last one of its connection.
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)
