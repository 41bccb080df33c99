"""/manage/advisories: the advisories that administrators write about any package."""

from functions.html.advisory_forms import values_of_advisory, values_of_list
from functions.html.pages import see_other
from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.advisories.advisories import Advisory
from shared.runtime.answers import Answer
from shared.use_cases import advisories
from shared.use_cases.advisories import NamedAdvisory
from shared.use_cases.use_case import of_registry

ADVISORIES = "manage/advisories"
ADVISORY = f"{ADVISORIES}/{{id}}"

pages = AdministratorPages()
FACES = (pages,)


@pages.read(ADVISORIES)
async def manage_advisories(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    values = await values_of_list(call, None, problem)
    return call.show("manage/advisories.html", problem, **values)


@pages.read(ADVISORY)
async def manage_advisory(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    values = await values_of_advisory(call, None, problem)
    return call.show("manage/advisory.html", problem, **values)


def _named(call: SignedInCall) -> NamedAdvisory:
    return NamedAdvisory(None, call.route_params["id"])


async def _show_drafted(_: SignedInCall, drafted: Advisory) -> Answer:
    return see_other(f"/{ADVISORIES}/{drafted.id}?done=manage_advisories_draft")


pages.use_case(
    advisories.draft,
    f"{ADVISORIES}/draft",
    manage_advisories,
    of_registry,
    name="manage_advisories_draft",
    then=_show_drafted,
)
pages.use_case(
    advisories.change,
    f"{ADVISORY}/change",
    manage_advisory,
    _named,
    name="manage_advisory_change",
)
pages.use_case(
    advisories.publish,
    f"{ADVISORY}/publish",
    manage_advisory,
    _named,
    name="manage_advisory_publish",
)
pages.use_case(
    advisories.withdraw,
    f"{ADVISORY}/withdraw",
    manage_advisory,
    _named,
    name="manage_advisory_withdraw",
)
pages.use_case(
    advisories.discard,
    f"{ADVISORY}/discard",
    manage_advisory,
    _named,
    name="manage_advisory_discard",
    leads_to=ADVISORIES,
)
