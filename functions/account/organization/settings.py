"""/account/organizations/{org}/settings: profile, domains, default visibility, transfer and
deletion.
"""

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    FormAction,
    add_forms,
    organization_frame,
)
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.access import require_right
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import OrgName
from shared.domain.organizations import (
    DomainName,
    domain_record_name,
    domain_record_text,
    parse_domain,
)
from shared.domain.packages import Visibility
from shared.domain.rights import Action, Role
from shared.runtime.answers import Answer
from shared.services.organizations.organizations import OrganizationProfile

# The choices of the forms with their labels.
VISIBILITY_CHOICES = (
    (Visibility.PUBLIC.value, "Public"),
    (Visibility.PRIVATE.value, "Private: visible only to members"),
)
LEAVE_AFTER_TRANSFER = "leave"
AFTER_TRANSFER_CHOICES = (
    (Role.MAINTAINER.value, "Maintainer"),
    (Role.MEMBER.value, "Member"),
    (LEAVE_AFTER_TRANSFER, "Leave the organization"),
)


pages = SignedInPages()


@pages.read(f"{ORGANIZATION_ROUTE}/settings")
async def account_organization_settings(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame, org, by = await organization_frame(call, "settings"), call.org, call.caller
    require_right(by, frame.access, Action.MANAGE, org)
    domains = await call.registry.organizations.domain_verification.of(org, by=by)
    members = await call.registry.organizations.memberships.members(org, by=by)
    return frame.show(
        problem,
        domains=[
            (each, domain_record_name(DomainName(each.domain)), domain_record_text(each.challenge))
            for each in domains
        ],
        successors=[
            (each.membership.account, each.name)
            for each in members
            if each.membership.role is not Role.OWNER
        ],
        is_owner=frame.access.role is Role.OWNER,
        afterwards=AFTER_TRANSFER_CHOICES,
        visibilities=VISIBILITY_CHOICES,
    )


async def _claim(call: SignedInCall, org: OrgName) -> None:
    domain = parse_domain(call.form.text("domain"))
    await call.registry.organizations.domain_verification.claim(org, domain, by=call.caller)


async def _verify(call: SignedInCall, org: OrgName) -> None:
    domain = parse_domain(call.form.text("domain"))
    await call.registry.organizations.domain_verification.verify(org, domain, by=call.caller)


async def _unclaim(call: SignedInCall, org: OrgName) -> None:
    domain = parse_domain(call.form.text("domain"))
    await call.registry.organizations.domain_verification.remove(org, domain, by=call.caller)


async def _describe(call: SignedInCall, org: OrgName) -> None:
    form = call.form
    profile = OrganizationProfile.parse(form.text("display_name"), form.text("description"), None)
    await call.registry.organizations.organizations.change(org, profile, by=call.caller)


async def _set_visibility(call: SignedInCall, org: OrgName) -> None:
    profile = OrganizationProfile(default_visibility=_visibility(call.form))
    await call.registry.organizations.organizations.change(org, profile, by=call.caller)


async def _transfer(call: SignedInCall, org: OrgName) -> None:
    form, by = call.form, call.caller
    successor = await call.registry.organizations.memberships.member_account(
        org, form.text("heir"), by=by
    )
    if form.text("confirm").lower() != org.lower():
        message = f"To transfer {org}, type its name, {org}, into the last field."
        raise InvalidRequest(message)
    await call.registry.organizations.transfer.begin(org, successor, _after_transfer(form), by=by)


async def _delete(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.deletion.delete(org, by=call.caller)


async def _keep(call: SignedInCall, org: OrgName) -> None:
    await call.registry.organizations.deletion.cancel(org, by=call.caller)


def _visibility(form: Form) -> Visibility:
    otherwise = "Choose a default visibility: public or private."
    return form.choice("visibility", Visibility, otherwise)


def _after_transfer(form: Form) -> Role | None:
    chosen = form.text("afterwards")
    if chosen not in {value for value, _ in AFTER_TRANSFER_CHOICES}:
        message = "Choose your role after the transfer: maintainer, member, or leave."
        raise InvalidRequest(message)
    return None if chosen == LEAVE_AFTER_TRANSFER else Role(chosen)


# The actions of forms, by the last segment of their paths.
SETTINGS_ACTIONS: dict[str, FormAction] = {
    "claim": _claim,
    "verify": _verify,
    "unclaim": _unclaim,
    "describe": _describe,
    "visibility": _set_visibility,
    "transfer": _transfer,
    "delete": _delete,
    "keep": _keep,
}
add_forms(pages, account_organization_settings, SETTINGS_ACTIONS, "/settings")

FACES = (pages,)
