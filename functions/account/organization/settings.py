"""/account/organizations/{org}/settings: profile, default visibility and deletion."""

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    add_forms,
    organization_frame,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.access import require_right
from shared.domain.names import OrgName
from shared.domain.packages import Visibility
from shared.domain.rights import Action, Role
from shared.runtime.answers import Answer
from shared.services.organizations.organizations import OrganizationProfile

# The choices of the forms with their labels.
VISIBILITY_CHOICES = (
    (Visibility.PUBLIC.value, "Public"),
    (Visibility.PRIVATE.value, "Private: visible only to members"),
)
pages = SignedInPages()


@pages.read(f"{ORGANIZATION_ROUTE}/settings")
async def account_organization_settings(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, org, by = await organization_frame(call, "settings"), call.org, call.caller
    require_right(by, frame.access, Action.MANAGE, org)
    return frame.show(
        problem,
        is_owner=frame.access.role is Role.OWNER,
        visibilities=VISIBILITY_CHOICES,
    )


async def _describe(call: SignedInCall, org: OrgName) -> None:
    form = call.form
    profile = OrganizationProfile.parse(form.text("display_name"), form.text("description"), None)
    await call.registry.organizations.organizations.change(org, profile, by=call.caller)


async def _set_visibility(call: SignedInCall, org: OrgName) -> None:
    profile = OrganizationProfile(default_visibility=_visibility(call.form))
    await call.registry.organizations.organizations.change(org, profile, by=call.caller)


async def _delete(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.deletion.delete(org, by=call.caller)


async def _keep(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.deletion.cancel(org, by=call.caller)


def _visibility(form: Form) -> Visibility:
    otherwise = "Choose a default visibility: public or private."
    return form.choice("visibility", Visibility, otherwise)


# The actions of forms, by the last segment of their paths.
SETTINGS_ACTIONS: dict[str, FormAction] = {
    "describe": _describe,
    "visibility": _set_visibility,
    "delete": _delete,
    "keep": _keep,
}
add_forms(pages, account_organization_settings, SETTINGS_ACTIONS, "/settings")

FACES = (pages,)
