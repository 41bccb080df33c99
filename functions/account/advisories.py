"""/account/organizations/{org}/advisories: the advisories that an organization writes;
…/packages/{name}/{version}/advisories: what it says of findings; /account/advisories: what the
packages of the account's organizations depend on that is affected."""

from collections.abc import Mapping, Sequence

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.html.advisory_forms import values_of_advisory, values_of_list
from functions.html.pages import see_other
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.assessments import (
    JUSTIFICATION_WORDS,
    STATE_WORDS,
    AnalysisState,
    Justification,
)
from shared.domain.coordinates import Coordinate
from shared.domain.names import OrgName
from shared.domain.scopes import Role
from shared.runtime.answers import Answer
from shared.services.advisories.affected_packages import AffectedPackage
from shared.use_cases import advisories
from shared.use_cases.advisories import NamedAdvisory, NamedFinding
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
    return frame.show(problem, **await values_of_list(call, call.org, problem))


@pages.read(ADVISORY)
async def account_organization_advisory(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "advisories")
    return frame.show(problem, "advisory", **await values_of_advisory(call, call.org, problem))


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
    lambda call: call.org,
    name="account_organization_advisories_draft",
    then=_show_drafted,
)
pages.use_case(
    advisories.change,
    f"{ADVISORY}/change",
    account_organization_advisory,
    _named,
    name="account_organization_advisory_change",
)
pages.use_case(
    advisories.publish,
    f"{ADVISORY}/publish",
    account_organization_advisory,
    _named,
    name="account_organization_advisory_publish",
)
pages.use_case(
    advisories.withdraw,
    f"{ADVISORY}/withdraw",
    account_organization_advisory,
    _named,
    name="account_organization_advisory_withdraw",
)
pages.use_case(
    advisories.discard,
    f"{ADVISORY}/discard",
    account_organization_advisory,
    _named,
    name="account_organization_advisory_discard",
    leads_to=ADVISORIES,
)


AFFECTED = "account/advisories"
PACKAGES_SHOWN = 200  # Affected packages of all organizations; each has several findings.
ORGANIZATIONS_SHOWN = 20  # Organizations whose packages are all read for the page.


@pages.read(AFFECTED)
async def account_advisories(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    registry = call.registry
    by = call.caller
    memberships = await registry.organizations.memberships.list_own(by=by)
    names = [each.organization.name for each in memberships[:ORGANIZATIONS_SHOWN]]
    affected, has_more = await _affected_packages(call, names)
    return call.show(
        "account/advisories.html",
        problem,
        account=call.account,
        organizations=memberships,
        owned=[each for each in memberships if each.role is Role.OWNER],
        affected=affected,
        is_cut=has_more or len(memberships) > ORGANIZATIONS_SHOWN,
        is_on=await registry.advisories.notices.is_on(by=by),
    )


async def _affected_packages(
    call: SignedInCall, names: Sequence[str]
) -> tuple[Mapping[str, Sequence[AffectedPackage]], bool]:
    """Return the affected packages of each organization that has some, and whether there are more
    than are shown."""
    packages = call.registry.advisories.affected_packages
    found = dict[str, list[AffectedPackage]]()
    count = 0
    for name in names:
        async for each in packages.of_organization(OrgName(name), by=call.caller):
            count += 1
            if count > PACKAGES_SHOWN:
                return found, True
            found.setdefault(name, []).append(each)
    return found, False


@pages.form(
    f"{AFFECTED}/mail",
    account_advisories,
    done={
        "advisory-mail-on": "Mail about advisories is on. The first one says what is known now.",
        "advisory-mail-off": "Mail about advisories is off.",
    },
    name="account_advisories_mail",
)
async def account_advisories_mail(call: SignedInCall) -> Answer:
    notices = call.registry.advisories.notices
    if call.form.text("mail") == "on":
        await notices.switch_on(by=call.caller)
        return see_other(f"/{AFFECTED}?done=advisory-mail-on")
    await notices.switch_off(by=call.caller)
    return see_other(f"/{AFFECTED}?done=advisory-mail-off")


def _finding(call: SignedInCall) -> NamedFinding:
    coordinate = Coordinate.parse(call.org, call.route_params["name"], call.route_params["version"])
    return NamedFinding(coordinate, call.form.text("advisory"))


ASSESSMENTS = f"{ORGANIZATION_ROUTE}/packages/{{name}}/{{version}}/advisories"


@pages.read(ASSESSMENTS)
async def account_organization_assessments(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "packages")
    found = await call.registry.advisories.assessments.to_assess(call.coordinate, by=call.caller)
    return frame.show(
        problem,
        "assessments",
        found=found,
        at=found.release.coordinate,
        fields=shown_fields(advisories.NewAssessment),
        states=[(each.value, STATE_WORDS[each]) for each in AnalysisState],
        state_words=STATE_WORDS,
        justifications=[
            ("", "None of these"),
            *((each.value, JUSTIFICATION_WORDS[each]) for each in Justification),
        ],
        justification_words=JUSTIFICATION_WORDS,
    )


pages.use_case(
    advisories.assess,
    f"{ASSESSMENTS}/assess",
    account_organization_assessments,
    _finding,
    name="account_organization_assessments_assess",
)
pages.use_case(
    advisories.retract,
    f"{ASSESSMENTS}/retract",
    account_organization_assessments,
    _finding,
    name="account_organization_assessments_retract",
)
