"""The frame, the tabs and the forms of every page of an organization."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import azure.functions as func

from functions.account.overview import ORGANIZATIONS_PATH
from functions.account.tokens import TOKEN_DONE_MESSAGES
from functions.http.handlers import Handler
from functions.http.pages import see_other
from functions.http.requests import READ_METHODS, Form
from functions.http.signed_in_pages import (
    FormProblem,
    PageWithForms,
    SignedInPages,
    SignedInRequest,
)
from shared.composition import Registry
from shared.domain.identity import AccessContext
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import Organization
from shared.domain.rights import Role

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
    "transfer": "Transfer scheduled. Any owner can cancel it within 48 hours.",
    "packages/deprecate": "Package deprecated. Clients warn within five seconds.",
    "packages/undeprecate": "Package undeprecated.",
    "packages/visibility": "Visibility changed.",
    "packages/pushers": "Publishing access changed.",
    "packages/versions/deprecate": "Version deprecated. Clients warn within five seconds.",
    "packages/versions/undeprecate": "Version undeprecated.",
    "held/confirm": "Release published.",
    "held/revoke": TOKEN_DONE_MESSAGES["revoke"],
    **{f"tokens/{name}": message for name, message in TOKEN_DONE_MESSAGES.items()},
    "publishers/add": "Trusted publisher added. The next run of its workflow can publish.",
    "publishers/remove": "Trusted publisher removed. Its jobs get no more tokens.",
}


@dataclass(frozen=True, slots=True)
class OrganizationFrame:
    """The values that the templates of all pages of an organization read.

    `done` is the message after a form, and is empty otherwise.
    """

    request: SignedInRequest
    access: AccessContext
    organization: Organization
    tab: str
    done: str = ""

    @property
    def decides(self) -> bool:
        """Return whether the account has the rights of an owner."""
        return self.access.is_administrator or self.access.role is Role.OWNER

    @property
    def publishes(self) -> bool:
        """Return whether the account has the rights of a maintainer."""
        return self.decides or self.access.role is Role.MAINTAINER

    @property
    def path(self) -> str:
        """Return the path of the organization's first page."""
        return f"{ORGANIZATIONS_PATH}/{self.organization.name}"

    def address(self, tab: str) -> str:
        return self.path if tab == FIRST_TAB else f"{self.path}/{tab}"

    @property
    def tabs(self) -> Sequence[tuple[str, str, str]]:
        """Return the key, the path and the title of each page that the account may see."""
        pages = (*MEMBER_TABS, *OWNER_TABS) if self.decides else MEMBER_TABS
        return [(tab, self.address(tab), name) for tab, name in pages]

    def show(
        self, problem: FormProblem | None = None, template: str = "", **values: object
    ) -> func.HttpResponse:
        """Return the page of the tab, or of another template; `typed` is the refused form."""
        path = f"account/organization/{template or self.tab}.html"
        values = {"typed": self.request.form if problem else Form(), "done": self.done, **values}
        return self.request.show(
            path, problem, frame=self, organization=self.organization, **values
        )


async def organization_frame(request: SignedInRequest, tab: str) -> OrganizationFrame:
    """Return the frame of a page, or raise `OrganizationNotFound` for those outside."""
    access = await request.registry.organizations.access_context(
        org_of(request), by=request.principal
    )
    return OrganizationFrame(
        request,
        access,
        access.require_organization(org_of(request)),
        tab,
        request.done(DONE_MESSAGES),
    )


def org_of(request: SignedInRequest) -> OrgName:
    return parse_org(request.route["org"])


FormAction = Callable[[SignedInRequest, OrgName], Awaitable[object]]

_TO_UNDERSCORES = str.maketrans("/-", "__")  # Names of Functions have neither.


@dataclass(frozen=True, slots=True)
class OrganizationPages:
    """Adds the Function of a page of an organization, and those of the forms on it.

    `path` is the page's below the organization's own; a form leads back to it, with the route
    parameters of its request.
    """

    registry: Registry
    show: PageWithForms
    path: str = ""

    def add(self, bp: func.Blueprint, actions: Mapping[str, FormAction]) -> None:
        """Add the page, and a form for each action, whose key is its path below the
        organization's."""
        page = SignedInPages(self.registry).page(self.show)
        bp.route(ORGANIZATION_ROUTE + self.path, methods=READ_METHODS)(page)
        for path, act in actions.items():
            self.add_form(bp, path, act)

    def add_form(self, bp: func.Blueprint, path: str, act: FormAction) -> None:
        """Add a form alone, which leads to the page and shows it again with a refusal."""
        bp.route(f"{ORGANIZATION_ROUTE}/{path}", methods=["POST"])(self._form(path, act))

    def _form(self, path: str, act: FormAction) -> Handler:
        name = path.replace("{name}/", "")

        async def respond(request: SignedInRequest) -> func.HttpResponse:
            org = org_of(request)
            await act(request, org)
            page = f"{ORGANIZATIONS_PATH}/{org}{self.path.format_map(request.route)}"
            return see_other(f"{page}?done={name}")

        respond.__name__ = f"account_organization_{name.translate(_TO_UNDERSCORES)}"
        return SignedInPages(self.registry).form(self.show)(respond)
