"""The frame, the tabs and the forms of every page of an organization."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from functions.account.overview import ORGANIZATIONS_PATH, REVOKED_MESSAGE
from functions.http.pages import see_other
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, PageWithForms, SignedInCall, SignedInPages
from shared.domain.access import AccessContext
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.rights import Role
from shared.runtime.answers import Answer

ORGANIZATION_ROUTE = "account/organizations/{org}"

# The pages, by the last segment of their path; the first one has none.
FIRST_TAB = "members"
MEMBER_TABS = ((FIRST_TAB, "Members"), ("packages", "Packages"))
OWNER_TABS = (
    ("held", "Held releases"),
    ("tokens", "Access tokens"),
    ("publishers", "Trusted publishers"),
    ("log", "Audit log"),
    ("settings", "Settings"),
)

# The message after a form, by the path of the form.
DONE_MESSAGES = {
    "role": "Role changed. Changes of owners take effect in 48 hours.",
    "remove": "Member removed. The removal of an owner takes effect in 48 hours.",
    "undo": "Change canceled.",
    "withdraw": "Invitation revoked. Its link no longer works.",
    "claim": "Domain added. Add the TXT record to its DNS zone, then verify the domain.",
    "verify": "Domain verified.",
    "unclaim": "Domain removed.",
    "describe": "Profile saved.",
    "visibility": "Default visibility saved. Existing packages are not affected.",
    "delete": "Deletion scheduled. Any owner can cancel it within 48 hours.",
    "keep": "Deletion canceled.",
    "packages/deprecate": "Package deprecated. Clients warn within five seconds.",
    "packages/undeprecate": "Package undeprecated.",
    "packages/visibility": "Visibility changed.",
    "packages/pushers": "Publishing access changed.",
    "packages/versions/deprecate": "Version deprecated. Clients warn within five seconds.",
    "packages/versions/undeprecate": "Version undeprecated.",
    "held/confirm": "Release published.",
    "held/refuse": "Release refused. Its version cannot be published again.",
    "held/confirm-all": "Releases published.",
    "held/refuse-all": "Releases refused. Their versions cannot be published again.",
    "held/revoke": REVOKED_MESSAGE,
    "publishers/add": "Trusted publisher added. The next run of its workflow can publish.",
    "publishers/remove": "Trusted publisher removed. Its jobs get no more tokens.",
}


@dataclass(frozen=True, slots=True)
class OrganizationFrame:
    """The values that the templates of all pages of an organization read.

    `done` is the message after a form, and is empty otherwise.
    """

    call: SignedInCall
    access: AccessContext
    organization: Organization
    tab: str
    done: str = ""

    @property
    def decides(self) -> bool:
        """Whether the account has the rights of an owner."""
        return self.access.is_administrator or self.access.role is Role.OWNER

    @property
    def publishes(self) -> bool:
        """Whether the account has the rights of a maintainer."""
        return self.decides or self.access.role is Role.MAINTAINER

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
        """Return the page of the tab, or of another template; `typed` is the refused form."""
        path = f"account/organization/{template or self.tab}.html"
        values = {"typed": self.call.form if problem else Form(), "done": self.done, **values}
        return self.call.show(path, problem, frame=self, organization=self.organization, **values)


async def organization_frame(call: SignedInCall, tab: str) -> OrganizationFrame:
    """Return the frame of a page, or raise `organization-not-found` for those outside."""
    access = await call.registry.organizations.organizations.access_context(
        call.org, by=call.caller
    )
    return OrganizationFrame(
        call,
        access,
        access.require_organization(call.org),
        tab,
        call.done(DONE_MESSAGES),
    )


FormAction = Callable[[SignedInCall, OrgName], Awaitable[object]]

_TO_UNDERSCORES = str.maketrans("/-", "__")  # Names of Functions have neither.


def add_forms(
    pages: SignedInPages, show: PageWithForms, actions: Mapping[str, FormAction], path: str = ""
) -> None:
    """Declare a form for each action, whose key is its path below the organization's.

    A form leads to the page that `show` shows, whose path is `path` below the organization's own,
    with the route parameters of its call; that page shows a refusal of the form, too.
    """
    for key, act in actions.items():
        done = key.replace("{name}/", "")
        name = f"account_organization_{done.translate(_TO_UNDERSCORES)}"
        form = pages.form(f"{ORGANIZATION_ROUTE}/{key}", show, name=name)
        form(partial(_submitted, act, path, done))


async def _submitted(act: FormAction, path: str, done: str, call: SignedInCall) -> Answer:
    org = call.org
    await act(call, org)
    return see_other(f"{ORGANIZATIONS_PATH}/{org}{path.format_map(call.route_params)}?done={done}")
