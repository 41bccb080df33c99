"""/account/organizations/{org}: the frame of every page of an organization, and two of its pages:
members with role changes and invitations; settings with profile, default visibility and deletion.
"""

from collections.abc import Sequence

from msgspec import Struct

from functions.account.overview import ORGANIZATIONS_PATH
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.access_rights import AccessContext, require_right
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.organizations import Organization
from shared.domain.packages import RequiredProvenance
from shared.domain.reasons import acts_from_outside
from shared.domain.registry_files.managed import ManagedByFile
from shared.domain.scopes import Action, Role
from shared.domain.visibility import Visibility
from shared.runtime.answers import Answer
from shared.services.organizations.invitations import IssuedInvitation
from shared.use_cases import invitations, members, organizations
from shared.use_cases.inputs import shown_fields
from shared.use_cases.invitations import NamedInvitation
from shared.use_cases.members import NamedMember

ORGANIZATION_ROUTE = "account/organizations/{org}"

# The pages, by the last segment of their path; the first one has none.
FIRST_TAB = "members"
MEMBER_TABS = (
    (FIRST_TAB, "Members"),
    ("packages", "Packages"),
    ("staged", "Staged releases"),
)
OWNER_TABS = (
    ("held", "Held releases"),
    ("tokens", "Access tokens"),
    ("publishers", "Trusted publishers"),
    ("advisories", "Advisories"),
    ("webhooks", "Webhooks"),
    ("pulls", "Pulls"),
    ("log", "Audit log"),
    ("rules", "Rules"),
    ("settings", "Settings"),
)


class OrganizationFrame(Struct, frozen=True):
    """The values that the templates of all pages of an organization read."""

    call: SignedInCall
    access: AccessContext
    organization: Organization
    tab: str
    managed: ManagedByFile  # What a registry file owns of it.

    @property
    def decides(self) -> bool:
        """Whether the account has the rights of an owner."""
        return self.access.is_administrator or self.access.role is Role.OWNER

    @property
    def publishes(self) -> bool:
        """Whether the account has the rights of a maintainer."""
        return self.decides or self.access.role is Role.MAINTAINER

    @property
    def asks_reason(self) -> bool:
        """Whether the account has to say why it takes something from others."""
        return acts_from_outside(self.call.caller, self.access)

    @property
    def path(self) -> str:
        return f"{ORGANIZATIONS_PATH}/{self.organization.name}"

    def address(self, tab: str) -> str:
        return self.path if tab == FIRST_TAB else f"{self.path}/{tab}"

    @property
    def tabs(self) -> Sequence[tuple[str, str, str]]:
        """The key, the path and the title of each page that the account may see."""
        pages = (*MEMBER_TABS, *OWNER_TABS) if self.decides else MEMBER_TABS
        return [(tab, self.address(tab), name) for tab, name in pages]

    def show(
        self, problem: FormProblem | None = None, template: str = "", **values: object
    ) -> Answer:
        """Return the page of the tab, or of another template."""
        path = f"account/organization/{template or self.tab}.html"
        return self.call.show(path, problem, frame=self, organization=self.organization, **values)


async def organization_frame(call: SignedInCall, tab: str) -> OrganizationFrame:
    """Return the frame of a page, or raise `organization-not-found` for those outside."""
    registry = call.registry
    access = await registry.organizations.organizations.access_context(call.org, by=call.caller)
    organization = access.require_organization(call.org)
    managed = await registry.administration.registry_files.managed(call.org)
    return OrganizationFrame(call, access, organization, tab, managed)


# The roles of the form with their labels.
ROLE_CHOICES = (
    (Role.MEMBER.value, "Member: can read private packages"),
    (Role.MAINTAINER.value, "Maintainer: can publish and deprecate packages"),
    (Role.OWNER.value, "Owner: can manage everything; takes effect in 48 hours"),
)

pages = SignedInPages()
FACES = (pages,)


@pages.read(ORGANIZATION_ROUTE)
async def account_organization(
    call: SignedInCall, problem: FormProblem | None = None, invited: IssuedInvitation | None = None
) -> Answer:
    registry = call.registry
    org = call.org
    by = call.caller
    frame = await organization_frame(call, FIRST_TAB)
    found = await registry.organizations.memberships.members(org, by=by)
    ownerless = await registry.organizations.ownerless.of(org)
    requests = registry.organizations.ownership_requests
    return frame.show(
        problem,
        members=found,
        fields=shown_fields(invitations.NewInvitation),
        ownerless=ownerless,
        asked=await requests.of_organization(org, by=by) if ownerless else [],
        names={each.membership.account: each.name for each in found},
        invitations=await registry.organizations.invitations.pending(org, by=by)
        if frame.decides
        else [],
        invited=invited,
        roles=ROLE_CHOICES,
        waits_for_another=registry.settings.two_administrators,
        signs_up=registry.settings.sign_up == "anyone"
        and bool(registry.identity.sign_in_flow.providers),
        prints_mail=registry.settings.prints_mail,
        is_unsent=bool(invited and invited.link and call.form.text("email")),
    )


def _member(call: SignedInCall) -> NamedMember:
    return NamedMember(call.org, call.form.text("account"))


pages.use_case(
    members.change_role,
    f"{ORGANIZATION_ROUTE}/role",
    account_organization,
    _member,
    name="account_organization_role",
)
pages.use_case(
    members.remove,
    f"{ORGANIZATION_ROUTE}/remove",
    account_organization,
    _member,
    name="account_organization_remove",
)


@pages.form(
    f"{ORGANIZATION_ROUTE}/ownership",
    account_organization,
    done="Request sent. The owners have seven days of notice; then an administrator decides.",
)
async def account_organization_ownership(call: SignedInCall) -> None:
    requests = call.registry.organizations.ownership_requests
    with about_field("ownership-reason"):
        await requests.request(call.org, reason=call.form.text("ownership-reason"), by=call.caller)


pages.use_case(
    members.cancel_role_change,
    f"{ORGANIZATION_ROUTE}/undo",
    account_organization,
    _member,
    name="account_organization_undo",
)


def _invitation(call: SignedInCall) -> NamedInvitation:
    return NamedInvitation(call.org, call.form.text("invitation"))


async def _show_invited(call: SignedInCall, invited: IssuedInvitation) -> Answer:
    """Show the invitation only in this answer, since its link is a secret."""
    return await account_organization(call, invited=invited)


pages.use_case(
    invitations.revoke,
    f"{ORGANIZATION_ROUTE}/withdraw",
    account_organization,
    _invitation,
    name="account_organization_withdraw",
)
pages.use_case(
    invitations.invite,
    f"{ORGANIZATION_ROUTE}/invite",
    account_organization,
    lambda call: call.org,
    name="account_organization_invite",
    then=_show_invited,
)


# The choices of the forms with their labels.
VISIBILITY_CHOICES = (
    (Visibility.PUBLIC.value, "Public"),
    (Visibility.INTERNAL.value, "Internal: visible to staff and members"),
    (Visibility.PRIVATE.value, "Private: visible only to members"),
)
REQUIREMENT_CHOICES = (
    (RequiredProvenance.NOTHING.value, "By everybody with the right to"),
    (RequiredProvenance.CI.value, "By CI: a job of a trusted publisher"),
    (RequiredProvenance.SIGSTORE.value, "By CI with a Sigstore bundle"),
)
# The roles that an owner can have after handing the organization over, with the labels.
LATER_ROLES = (
    (Role.MAINTAINER.value, "Maintainer"),
    (Role.MEMBER.value, "Member"),
    ("leave", "I leave the organization"),
)


@pages.read(f"{ORGANIZATION_ROUTE}/settings")
async def account_organization_settings(
    call: SignedInCall, problem: FormProblem | None = None
) -> Answer:
    frame = await organization_frame(call, "settings")
    org = call.org
    by = call.caller
    require_right(by, frame.access.for_reading, Action.MANAGE, org)
    continuation = call.registry.organizations.continuation
    shown = await continuation.as_seen(frame.organization, by=by)
    is_owner = frame.access.role is Role.OWNER
    memberships = call.registry.organizations.memberships
    found = await memberships.members(org, by=by) if is_owner else []
    return frame.show(
        problem,
        is_owner=is_owner,
        heirs=[
            (each.membership.account, each.name)
            for each in found
            if each.membership.hand_role not in (None, Role.OWNER)
        ],
        later_roles=LATER_ROLES,
        fields=shown_fields(organizations.OrganizationChange),
        default_visibility=shown_fields(organizations.DefaultVisibility)["default_visibility"],
        required=shown_fields(organizations.ProvenanceRequirement)["requires_provenance"],
        requirements=REQUIREMENT_CHOICES,
        continuation=shown_fields(organizations.NewContinuation),
        visibilities=VISIBILITY_CHOICES,
        continued_as=shown.continued_as,
        gives_reason=frame.asks_reason,
    )


pages.use_case(
    organizations.change,
    f"{ORGANIZATION_ROUTE}/describe",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_describe",
)
pages.use_case(
    organizations.change_default_visibility,
    f"{ORGANIZATION_ROUTE}/visibility",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_visibility",
)

pages.use_case(
    organizations.require_provenance,
    f"{ORGANIZATION_ROUTE}/required-provenance",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_require_provenance",
)


@pages.form(
    f"{ORGANIZATION_ROUTE}/transfer",
    account_organization_settings,
    done="Transfer scheduled. It takes effect in 48 hours; any owner can cancel it until then.",
    requires_recent_sign_in=True,
)
async def account_organization_transfer(call: SignedInCall) -> None:
    form = call.form
    if form.text("confirm").lower() != call.org.lower():
        message = f"To transfer {call.org}, type its name."
        with about_field("confirm"):
            raise InvalidRequest(message)
    leaves = form.text("later_role") == "leave"
    otherwise = "Choose your role after the transfer."
    role = None if leaves else form.choice("later_role", Role, otherwise)
    memberships = call.registry.organizations.memberships
    await memberships.hand_over(call.org, form.text("new_owner"), role, by=call.caller)


pages.use_case(
    organizations.continue_as,
    f"{ORGANIZATION_ROUTE}/continue",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_continue",
)
pages.use_case(
    organizations.delete,
    f"{ORGANIZATION_ROUTE}/delete",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_delete",
)
pages.use_case(
    organizations.cancel_deletion,
    f"{ORGANIZATION_ROUTE}/keep",
    account_organization_settings,
    lambda call: call.org,
    name="account_organization_keep",
)
