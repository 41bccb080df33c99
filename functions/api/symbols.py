"""/api/v1/symbols: declarations and their members in the packages that the caller may see."""

from typing import Self

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, ResponseModel
from functions.http.formatting import symbol_address, symbol_fields
from shared.domain.search import ResultPage, SymbolHit, SymbolQuery


class SymbolView(ResponseModel):
    """A declaration, or a member of one, in the latest release of a package."""

    org: str
    package: str
    version: str
    module: str
    kind: str = Field(description='Such as "function", "client", "record" or "method".')
    parent: str = Field(description="The declaration that has the member; else empty.")
    name: str = Field(description="Of a resource method its accessor and path.")
    signature: str
    summary: str
    deprecated: bool
    url: str = Field(description="The page of the symbol.")

    @classmethod
    def of(cls, hit: SymbolHit, base_url: str) -> Self:
        return cls(**symbol_fields(hit), url=f"{base_url}{symbol_address(hit)}")


class SymbolList(ResponseModel):
    """A page of symbols, the best first."""

    symbols: list[SymbolView]
    count: int = Field(description="Of all that match, of which no more than 1,000 are found.")


symbols_api = ApiFace()


@symbols_api.operation(
    "GET",
    "api/v1/symbols",
    "Find symbols by `q`, such as parseCsv, Client.get or http:Client; `limit` and `offset` page.",
    refusals=(),
)
async def api_symbols_search(call: ApiCall) -> SymbolList:
    params = call.params
    page = ResultPage.parse(params.get("limit", ""), params.get("offset", ""))
    query = SymbolQuery.parse(params.get("q", ""))
    found = await call.registry.packages.search.symbols(query, page, by=call.caller)
    base_url = call.registry.settings.base_url
    return SymbolList(
        symbols=[SymbolView.of(each, base_url) for each in found.hits], count=found.count
    )
