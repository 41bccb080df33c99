"""/api/v1/orgs/{org}/pulls: who pulled packages of an organization, as JSON, JSON lines and CSV."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Self
from urllib.parse import urlencode

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import QueryParameter
from functions.http.caching_headers import NO_STORE
from functions.http.csv_tables import CSV, csv_table
from functions.http.json_answers import JSON_LINES
from shared.domain.pull_records import (
    MAX_PULLS_EXPORTED,
    MAX_PULLS_PAGE_SIZE,
    PULLS_PAGE_SIZE,
    PullQuery,
    RecordedPull,
)
from shared.runtime.answers import Answer
from shared.services.packages.pull_records import PullRecordPage


class PullView(ResponseModel):
    """A pull of a release; the same caller is listed once in ten minutes."""

    at: UtcTime = Field(description="The time of the first pull in ten minutes.")
    package: str
    version: str
    principal: str = Field(
        description="The account's id, or the organization's for its tokens; empty without a token."
    )
    principal_name: str = Field(description="Its name; empty where there is none.")
    credential: str = Field(description="The token's id; empty without one.")
    job: str = Field(description="The provider, repository and workflow of a CI job's token.")
    network: str = Field(description="The address, of IPv6 the /64 network.")

    @classmethod
    def of(cls, pull: RecordedPull, names: Mapping[str, str]) -> Self:
        return cls(
            at=utc_datetime(pull.at_ms),
            package=f"{pull.org}/{pull.name}",
            version=pull.version,
            principal=pull.principal,
            principal_name=names.get(pull.principal, ""),
            credential=pull.credential,
            job=pull.job,
            network=pull.network,
        )


class PullsView(ResponseModel):
    """A page of pulls, newest first."""

    pulls: list[PullView]
    next: str | None = Field(description="The `before` of the next page; null at the end.")


pulls_api = ApiFace()


def _page_size(most: int, default: int) -> QueryParameter:
    return QueryParameter.number("count", "How many pulls are read at once.", 1, most, default)


_PULL_FILTERS = (
    QueryParameter.text("package", "Only pulls of this package of the organization."),
    QueryParameter.text("version", "Only pulls of this version; it needs package."),
    QueryParameter.text(
        "principal", "Only pulls of this account, organization or token, by its id, or of a job."
    ),
    QueryParameter.time("since", "Only pulls at this time or later."),
    QueryParameter.time("until", "Only pulls before this time."),
    QueryParameter.text("before", "Continue here: the `next` of an earlier page."),
)
_EXPORT = (*_PULL_FILTERS, _page_size(MAX_PULLS_EXPORTED, MAX_PULLS_EXPORTED))


@pulls_api.operation(
    "GET",
    "api/v1/orgs/{org}/pulls",
    "Show who pulled the organization's packages in the last 90 days, newest first; package, "
    "version, principal, since, until, before and count narrow it.",
    parameters=(*_PULL_FILTERS, _page_size(MAX_PULLS_PAGE_SIZE, PULLS_PAGE_SIZE)),
)
async def api_org_pulls(call: ApiCall) -> PullsView:
    query = PullQuery.parse(call.org, call.query)
    page = await call.registry.packages.pull_records.of_organization(query, by=call.caller)
    return PullsView(pulls=list(views_of(page)), next=page.next or None)


@pulls_api.operation(
    "GET",
    "api/v1/orgs/{org}/pulls.jsonl",
    "Read the same as JSON lines, up to 10,000; a Link header leads to the next page.",
    parameters=_EXPORT,
    media_types=(JSON_LINES,),
)
async def api_org_pulls_lines(call: ApiCall) -> Answer:
    page = await _exported(call)
    return _file(call, page, json_lines(views_of(page)), JSON_LINES)


@pulls_api.operation(
    "GET",
    "api/v1/orgs/{org}/pulls.csv",
    "Read the same as CSV, up to 10,000; cells that a spreadsheet would run begin with '.",
    parameters=_EXPORT,
    media_types=(CSV,),
)
async def api_org_pulls_csv(call: ApiCall) -> Answer:
    page = await _exported(call)
    return _file(call, page, csv_text(views_of(page)), CSV)


def views_of(page: PullRecordPage) -> Iterator[PullView]:
    for pull in page.pulls:
        yield PullView.of(pull, page.names)


def json_lines(pulls: Iterable[PullView]) -> str:
    return "".join(f"{each.model_dump_json(by_alias=True)}\n" for each in pulls)


def csv_text(pulls: Iterable[PullView], *, header: bool = True) -> str:
    """Return pulls as RFC 4180 has them, with a header unless they continue others."""
    values = (each.model_dump(mode="json", by_alias=True) for each in pulls)
    rows = ([each[name] for name in CSV_COLUMNS] for each in values)
    return csv_table(CSV_COLUMNS, rows, header=header)


CSV_COLUMNS = (
    "at",
    "package",
    "version",
    "principal",
    "principalName",
    "credential",
    "job",
    "network",
)


async def _exported(call: ApiCall) -> PullRecordPage:
    params = {"count": str(MAX_PULLS_EXPORTED), **call.query}
    query = PullQuery.parse(call.org, params, most=MAX_PULLS_EXPORTED)
    return await call.registry.packages.pull_records.of_organization(query, by=call.caller)


def _file(call: ApiCall, page: PullRecordPage, text: str, media_type: str) -> Answer:
    suffix = "csv" if media_type is CSV else "jsonl"
    name = f"{call.org}-pulls.{suffix}"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
    if page.next:
        query = urlencode({**call.query, "before": page.next})
        headers["Link"] = f'<?{query}>; rel="next"'
    return Answer(text.encode(), headers=headers, media_type=media_type)
