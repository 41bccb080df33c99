"""The language server's client of Central: plain GETs, one slash too many, and no headers."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.protocol.bal.failures import Crashed
from tests.protocol.bal.wire import Wire, is_json, json_of


@dataclass
class LanguageServer:
    """What an editor asks for while its user types."""

    wire: Wire
    base: str

    async def search_packages(self, **query: str) -> dict[str, Any]:
        """Search packages for the connector view."""
        return await self._get(f"{self.base}//search-packages", query)

    async def search_symbols(self, **query: str) -> dict[str, Any]:
        """Search functions, types and clients of all packages."""
        return await self._get(f"{self.base}//search-symbols", query)

    async def _get(self, url: str, query: dict[str, str]) -> dict[str, Any]:
        response = await self.wire.send("GET", f"{url}?{urlencode(query)}" if query else url, ())
        if response.status_code != 200 or not is_json(response):
            raise Crashed(None, f"{url} answered {response.status_code}")
        return json_of(response)
