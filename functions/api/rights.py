"""/api/v1/rights: who has which role, by what, and when they last signed in, for reviews of
access."""

from collections.abc import Sequence

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from functions.http.caching_headers import NO_STORE
from functions.http.csv_tables import CSV, csv_table
from shared.runtime.answers import Answer
from shared.services.administration.rights_export import HolderKind, RightRow


class RightRowView(ResponseModel):
    """A role that somebody or something has, and by what."""

    principal: str = Field(description="The name of an account or token, or a repository.")
    id: str
    kind: HolderKind
    role: str = Field(description="none for an account without a role.")
    where: str = Field(description="An organization, packages of it, or the registry.")
    by_what: str = Field(description="What gives the role.")
    last_sign_in: UtcTime = Field(
        validation_alias="last_sign_in_ms",
        description="The day of the last sign-in of the account; null if unknown.",
    )
    until: UtcTime = Field(
        validation_alias="until_ms", description="When the role ends by itself; null for no end."
    )
    locked: bool = Field(validation_alias=AliasPath("is_locked"))


class RightsView(ResponseModel):
    """The roles of everybody."""

    rights: list[RightRowView]


rights_api = ApiFace()


@rights_api.operation(
    "GET",
    "api/v1/rights",
    "List who has which role, by what, and when they last signed in; for administrators and "
    "auditors.",
    also=(403,),
)
async def api_rights(call: ApiCall) -> RightsView:
    rows = await call.registry.administration.rights_export.rows(by=call.caller)
    return rights_view(rows)


@rights_api.operation(
    "GET",
    "api/v1/rights.csv",
    "Read the same as CSV; cells that a spreadsheet would run begin with '.",
    also=(403,),
    media_types=(CSV,),
)
async def api_rights_csv(call: ApiCall) -> Answer:
    rows = await call.registry.administration.rights_export.rows(by=call.caller)
    return rights_file(rights_csv(rights_view(rows)), "csv", CSV)


def rights_view(rows: Sequence[RightRow]) -> RightsView:
    return RightsView(rights=[RightRowView.model_validate(each) for each in rows])


CSV_COLUMNS = (
    "principal",
    "id",
    "kind",
    "role",
    "where",
    "byWhat",
    "lastSignIn",
    "until",
    "locked",
)


def rights_csv(view: RightsView) -> str:
    """Return the rows as CSV; an empty cell is what is not known, or has no end."""
    values = (each.model_dump(mode="json", by_alias=True) for each in view.rights)
    return csv_table(CSV_COLUMNS, ([_cell(each[name]) for name in CSV_COLUMNS] for each in values))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def rights_file(text: str, suffix: str, media_type: str) -> Answer:
    """Return the answer that a browser saves as a file."""
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="rights.{suffix}"'}
    return Answer(text.encode(), headers=headers, media_type=media_type)
