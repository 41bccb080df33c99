"""/api/v1/packages and /api/v1/symbols: visibility, successors, history, checklists,
declarations."""

from typing import Self

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import BEFORE_EVENT, EVENT_COUNT, QueryParameter
from functions.html.event_sentences import history_sentence
from functions.http.addresses import symbol_path
from shared.domain.checklists import Checklist, CheckState
from shared.domain.coordinates import Package
from shared.domain.event_queries import EventQuery
from shared.domain.package_history import CredentialKind, HistoryEntry
from shared.domain.packages import Head, Release
from shared.domain.search import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    ResultPage,
    SymbolHit,
    SymbolQuery,
)
from shared.domain.visibility import Visibility
from shared.services.packages.history import HistoryPage
from shared.use_cases import packages


class PackageView(ResponseModel):
    """A package and who sees it."""

    org: str
    name: str
    visibility: Visibility
    changed_at: UtcTime = Field(description="Null for packages that never changed.")


visibility_api = ApiFace()


@visibility_api.use_case(
    packages.change_visibility,
    "PUT",
    "api/v1/packages/{org}/{name}/visibility",
    lambda call: call.package,
)
async def api_packages_visibility(_: ApiCall, changed: Head) -> PackageView:
    return PackageView.model_validate(changed)


class SuccessorView(ResponseModel):
    """A package and the one that replaces it."""

    org: str
    name: str
    successor: str | None = Field(description="As org/name; null where there is none.")

    @classmethod
    def of(cls, package: Package, successor: Package | None) -> Self:
        return cls(org=package.org, name=package.name, successor=str(successor or "") or None)


successor_api = ApiFace()


@successor_api.operation(
    "GET",
    "api/v1/packages/{org}/{name}/successor",
    "Show the package that replaces another one, if you may see both.",
    refusals=(400, 401, 404),
    needs_token=False,
)
async def api_packages_successor(call: ApiCall) -> SuccessorView:
    head = (await call.package_source.survey(call.package, by=call.caller)).head
    successor = await call.registry.packages.successors.named(head, by=call.caller)
    return SuccessorView.of(head.package, successor)


@successor_api.use_case(
    packages.set_successor,
    "PUT",
    "api/v1/packages/{org}/{name}/successor",
    lambda call: call.package,
    also=(409,),
)
async def api_packages_succeed(_: ApiCall, changed: Head) -> SuccessorView:
    return SuccessorView.of(changed.package, changed.replaced_by)


class HistoryEntryView(ResponseModel):
    """A change of a package."""

    number: int = Field(description="Its place in the feed of all changes.")
    at: UtcTime
    kind: str = Field(
        description="Such as release.published; for others than members release.withdrawn and "
        "release.restored, whatever withheld it."
    )
    version: str = Field(description="Empty for a change of the whole package.")
    sentence: str
    message: str = Field(
        description="The message of a deprecation, or the public reason of a withdrawal."
    )
    actor: str = Field(description="The account's id, or a word; only for members.")
    actor_name: str = Field(description="Empty for deleted accounts, and for no members.")
    account: str = Field(description="The id of the account whose role changed; for members.")
    account_name: str
    using: CredentialKind | None = Field(description="Null where nothing is known any more.")
    run: str = Field(description="The address of the CI run, which may be empty.")
    details: dict[str, str] = Field(description="Values before and after, and facts of CI jobs.")

    @classmethod
    def of(cls, entry: HistoryEntry, page: HistoryPage) -> Self:
        event = entry.event
        names = page.names
        return cls(
            number=entry.number,
            at=utc_datetime(event.at_ms),
            kind=event.kind,
            version=entry.version,
            sentence=history_sentence(entry, page),
            message=entry.message,
            actor=event.actor,
            actor_name=names.get(event.actor, ""),
            account=entry.account,
            account_name=names.get(entry.account, ""),
            using=entry.using,
            run=entry.run,
            details=event.details,
        )


class HistoryView(ResponseModel):
    """A page of the history of a package, newest first."""

    entries: list[HistoryEntryView]
    next: int | None = Field(description="The `before` of the next page; null at the end.")

    @classmethod
    def of(cls, page: HistoryPage) -> Self:
        return cls(
            entries=[HistoryEntryView.of(each, page) for each in page.entries], next=page.next
        )


history_api = ApiFace()


@history_api.operation(
    "GET",
    "api/v1/packages/{org}/{name}/history",
    "Show what changed of a package, newest first; `before` and `count` page. Members see who, and "
    "changes of visibility, publishers and roles.",
    refusals=(400, 401, 404),
    needs_token=False,
    parameters=(BEFORE_EVENT, EVENT_COUNT),
)
async def api_packages_history(call: ApiCall) -> HistoryView:
    history = call.registry.packages.history
    page = await history.of_package(call.package, EventQuery.parse(call.query), by=call.caller)
    return HistoryView.of(page)


class CheckView(ResponseModel):
    """One fact about a release."""

    key: str = Field(description="Such as readme, documentation, license or source.")
    title: str
    state: CheckState = Field(description="unknown: not read yet, or nobody here can tell.")
    fact: str = Field(description="A sentence.")
    mend: str = Field(description="How the author changes what is unmet; else empty.")
    guide: str = Field(description="The page that says more.")


class ChecklistView(ResponseModel):
    """What users look for in a release. Nothing is ranked by it."""

    org: str
    name: str
    version: str
    met: int
    known: int = Field(description="How many checks are met or unmet.")
    checks: list[CheckView]

    @classmethod
    def of(cls, release: Release, checklist: Checklist, base_url: str) -> Self:
        checks = [
            CheckView(
                key=each.key,
                title=each.title,
                state=each.state,
                fact=each.fact,
                mend=each.mend,
                guide=f"{base_url}{each.guide}",
            )
            for each in checklist.checks
        ]
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            met=checklist.met,
            known=checklist.known,
            checks=checks,
        )


checklist_api = ApiFace()


@checklist_api.operation(
    "GET",
    "api/v1/packages/{org}/{name}/{version}/checklist",
    "Show what users look for in a release, and how its author fixes what it lacks.",
    refusals=(400, 401, 404),
    needs_token=False,
)
async def api_packages_checklist(call: ApiCall) -> ChecklistView:
    details, checklist = await call.registry.quality.checklists.find(
        call.coordinate, by=call.caller
    )
    return ChecklistView.of(details.release, checklist, call.registry.settings.base_url)


class SymbolView(ResponseModel):
    """A declaration, or a member of one, in the latest release of a package."""

    org: str
    package: str
    version: str
    module: str
    kind: str = Field(description='Such as "function", "client", "record" or "method".')
    parent: str = Field(description="The declaration that has the member; else empty.")
    name: str = Field(description="The name; for a resource method, its accessor and path.")
    signature: str
    summary: str
    deprecated: bool
    url: str = Field(description="The page of the symbol.")

    @classmethod
    def of(cls, hit: SymbolHit, base_url: str) -> Self:
        release = hit.listing.release
        symbol = hit.symbol
        return cls(
            org=release.org,
            package=release.name,
            version=release.version,
            module=symbol.module,
            kind=symbol.kind,
            parent=symbol.parent,
            name=symbol.name,
            signature=symbol.signature,
            summary=symbol.description,
            deprecated=symbol.is_deprecated,
            url=f"{base_url}{symbol_path(hit)}",
        )


class SymbolList(ResponseModel):
    """A page of symbols, the best first."""

    symbols: list[SymbolView]
    count: int = Field(description="The number of symbols that match; at most 1,000 are found.")


symbols_api = ApiFace()


@symbols_api.operation(
    "GET",
    "api/v1/symbols",
    "Find symbols by `q`, such as parseCsv, Client.get or http:Client; `limit` and `offset` page.",
    refusals=(401,),
    needs_token=False,
    parameters=(
        QueryParameter.text("q", "The name of a symbol, such as parseCsv or http:Client."),
        QueryParameter.number("limit", "How many to return.", 0, MAX_LIMIT, DEFAULT_LIMIT),
        QueryParameter.number("offset", "How many to leave out.", 0, MAX_OFFSET, 0),
    ),
)
async def api_symbols_search(call: ApiCall) -> SymbolList:
    params = call.query
    page = ResultPage.parse(params.get("limit", ""), params.get("offset", ""))
    query = SymbolQuery.parse(params.get("q", ""))
    found = await call.registry.packages.search.symbols(query, page, by=call.caller)
    base_url = call.registry.settings.base_url
    return SymbolList(
        symbols=[SymbolView.of(each, base_url) for each in found.hits], count=found.count
    )
