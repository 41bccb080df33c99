"""/account/organizations/{org}/advisories: the advisories that an organization writes;
/account/advisories: what the packages of the account's organizations depend on that is affected."""

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.http.advisory_forms import shown_advisory, version_choices
from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from functions.http.subjects import named_organization
from shared.domain.advisories.advisories import Advisory
from shared.domain.coordinates import Package
from shared.domain.errors.base import redact_tokens
from shared.runtime.answers import Answer
from shared.use_cases import advisories
from shared.use_cases.advisories import NamedAdvisory
from shared.use_cases.inputs import shown_fields

ADVISORIES = f"{ORGANIZATION_ROUTE}/advisories"
ADVISORY = f"{ADVISORIES}/{{id}}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(ADVISORIES)
async def account_organization_advisories(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "advisories")
    authoring = call.registry.advisories.authoring
    found = await authoring.written_by(call.org, by=call.caller)
    asked = redact_tokens(call.form.text("package") or call.params.get("package", ""))
    chosen = await authoring.choose(call.org, asked, by=call.caller) if asked else None
    shown = shown_advisory(call, problem)
    return frame.show(
        problem,
        advisories=found,
        fields=shown_fields(advisories.NewAdvisory),
        asked=asked,
        chosen=str(chosen.package) if chosen else "",
        shown=shown,
        versions=version_choices(chosen.versions, shown) if chosen else [],
    )


@pages.read(ADVISORY)
async def account_organization_advisory(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "advisories")
    authoring = call.registry.advisories.authoring
    found = await authoring.show(call.org, call.route_params["id"], by=call.caller)
    shown = shown_advisory(call, problem, found)
    chosen = await authoring.choose(call.org, shown.package, by=call.caller)
    return frame.show(
        problem,
        "advisory",
        advisory=found,
        fields=shown_fields(advisories.AdvisoryText),
        shown=shown,
        versions=version_choices(chosen.versions, shown),
    )


def _named(call: SignedInCall) -> NamedAdvisory:
    return NamedAdvisory(call.org, call.route_params["id"])


async def _show_drafted(call: SignedInCall, drafted: Advisory) -> Answer:
    done = "account_organization_advisories_draft"
    page = f"/account/organizations/{call.org}/advisories/{drafted.id}"
    return see_other(f"{page}?done={done}")


pages.use_case(
    advisories.draft,
    f"{ADVISORIES}/draft",
    account_organization_advisories,
    named_organization,
    name="account_organization_advisories_draft",
    then=_show_drafted,
)
for case, act in (
    (advisories.change, "change"),
    (advisories.publish, "publish"),
    (advisories.withdraw, "withdraw"),
):
    pages.use_case(
        case,
        f"{ADVISORY}/{act}",
        account_organization_advisory,
        _named,
        name=f"account_organization_advisory_{act}",
    )
pages.use_case(
    advisories.discard,
    f"{ADVISORY}/discard",
    account_organization_advisory,
    _named,
    name="account_organization_advisory_discard",
    leads_to=ADVISORIES,
)
