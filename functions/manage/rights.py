"""/manage/rights.csv and /manage/rights.json: who has which role, as files for reviews of
access."""

from functions.api.rights import RightsView, rights_csv, rights_file, rights_view
from functions.html.signed_in_pages import AdministratorPages, SignedInCall
from functions.http.csv_tables import CSV
from functions.http.json_answers import JSON
from shared.runtime.answers import Answer

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/rights.csv")
async def manage_rights_csv(call: SignedInCall) -> Answer:
    return rights_file(rights_csv(await _rights(call)), "csv", CSV)


@pages.read("manage/rights.json")
async def manage_rights_json(call: SignedInCall) -> Answer:
    text = (await _rights(call)).model_dump_json(by_alias=True, indent=2)
    return rights_file(f"{text}\n", "json", JSON)


async def _rights(call: SignedInCall) -> RightsView:
    return rights_view(await call.registry.administration.rights_export.rows(by=call.caller))
