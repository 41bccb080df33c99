"""/account/organizations/{org}/pulls: who pulled the packages of an organization, newest first."""

from urllib.parse import urlencode

from functions.account.organization import ORGANIZATION_ROUTE, OrganizationFrame, organization_frame
from functions.html.query_parameters import day_param, text_param
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import InvalidRequest
from shared.domain.pull_records import PullQuery, RecordedPulls
from shared.runtime.answers import Answer

PULLS_PER_PAGE = 50
FILTER_PARAMETERS = ("package", "version", "principal", "since", "until")

pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/pulls")
async def account_organization_pulls(call: SignedInCall) -> Answer:
    frame = await organization_frame(call, "pulls")
    try:
        params = _api_params(call)
        before = text_param(call, "before")
        query = PullQuery.parse(
            call.org, {**params, "before": before, "count": str(PULLS_PER_PAGE)}
        )
        return await _show(call, frame, query, params)
    except InvalidRequest as refusal:
        query = PullQuery(call.org, count=PULLS_PER_PAGE)
        return await _show(call, frame, query, {}, FormProblem.of(refusal))


async def _show(
    call: SignedInCall,
    frame: OrganizationFrame,
    query: PullQuery,
    params: dict[str, str],
    problem: FormProblem | None = None,
) -> Answer:
    page = await call.registry.packages.pull_records.of_organization(query, by=call.caller)
    typed = {name: value for name in FILTER_PARAMETERS if (value := text_param(call, name))}
    path = frame.address("pulls")
    narrowed = urlencode(params)
    export = f"/api/v1/orgs/{frame.organization.name}/pulls"
    return frame.show(
        problem,
        page=page,
        typed=typed,
        question=f"{query.package} {query.version}" if query.version else "",
        records_all=call.registry.settings.recorded_pulls is RecordedPulls.ALL,
        is_first=not query.before,
        newest=f"{path}?{urlencode(typed)}" if typed else path,
        older=f"{path}?{urlencode({**typed, 'before': page.next})}" if page.next else "",
        exports=[
            (label, f"{export}.{kind}?{narrowed}" if narrowed else f"{export}.{kind}", kind)
            for label, kind in (("CSV", "csv"), ("JSON Lines", "jsonl"))
        ],
    )


def _api_params(call: SignedInCall) -> dict[str, str]:
    """Return the filter as the API reads it: times instead of days."""
    params = {name: text_param(call, name) for name in ("package", "version", "principal")}
    params["since"] = day_param(call, "since")
    params["until"] = day_param(call, "until", is_included=True)
    return {name: value for name, value in params.items() if value}
