"""The frame, the tabs and the forms of every page of an organization."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import azure.functions as func

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.identity import AccessContext
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import Organization
from shared.domain.rights import Role

ORGANIZATION_ROUTE = "account/organizations/{org}"

# The pages, by what follows the address of the organization; of the first one nothing does.
FIRST_TAB = "members"
MEMBER_TABS = ((FIRST_TAB, "Members"), ("packages", "Packages"))
OWNER_TABS = (
    ("held", "Held releases"),
    ("tokens", "Tokens"),
    ("publishers", "Publishers"),
    ("log", "Log"),
    ("settings", "Settings"),
)

# What was done, by the form that did it: its page says so when it is shown again.
DONE_MESSAGES = {
    "role": "The role is changed, or will be when it counts.",
    "remove": "They are taken out, or will be when it counts.",
    "undo": "The change is undone.",
    "withdraw": "The invitation is withdrawn; its link opens nothing any more.",
    "claim": "The domain is added. Set the record, then verify it.",
    "verify": "The domain is verified.",
    "unclaim": "The domain is given up.",
    "describe": "What it says of itself is saved.",
    "visibility": "Saved. It holds for packages that are new from now on.",
    "delete": "The deletion has begun.",
    "keep": "The organization stays.",
    "transfer": "The transfer has begun. Every owner is told, and any of them can undo it.",
    "packages/deprecate": "The package is deprecated. Clients are told in five seconds.",
    "packages/undeprecate": "The package is no longer deprecated.",
    "packages/visibility": "It is changed, in search and for every client.",
    "packages/pushers": "It is changed, for every push from now on.",
    "packages/versions/deprecate": "The version is deprecated. Clients are told in five seconds.",
    "packages/versions/undeprecate": "The version is no longer deprecated.",
    "held/confirm": "The release is published.",
    "held/revoke": "The token is revoked: it is refused everywhere within five seconds.",
    "tokens/revoke": "The token is revoked: it is refused everywhere within five seconds.",
    "tokens/revoke-stolen": "The token is revoked, and whatever was made with it has ended.",
    "publishers/add": "The publisher is added. The next run of its job may publish.",
    "publishers/remove": "The publisher is removed. It gets no more tokens.",
}


@dataclass(frozen=True, slots=True)
class OrganizationFrame:
    """What the templates are told of an organization, of whoever looks, and of the page.

    `done` says what a form has just done, and is empty otherwise.
    """

    standing: AccessContext
    organization: Organization
    tab: str
    done: str = ""

    @property
    def decides(self) -> bool:
        """Say whether they may what owners may."""
        return self.standing.is_administrator or self.standing.role is Role.OWNER

    @property
    def publishes(self) -> bool:
        """Say whether they may what maintainers may."""
        return self.decides or self.standing.role is Role.MAINTAINER

    @property
    def path(self) -> str:
        """Return the address of the organization's first page."""
        return f"{ORGANIZATIONS_PATH}/{self.organization.name}"

    def address(self, tab: str) -> str:
        """Return the address of one of its pages."""
        return self.path if tab == FIRST_TAB else f"{self.path}/{tab}"

    @property
    def tabs(self) -> Sequence[tuple[str, str, str]]:
        """Return the pages that are for them."""
        pages = (*MEMBER_TABS, *OWNER_TABS) if self.decides else MEMBER_TABS
        return [(tab, self.address(tab), name) for tab, name in pages]


def org_of(visit: SignedInRequest) -> OrgName:
    """Return the organization that the address names."""
    return parse_org(visit.route["org"])


async def organization_frame(
    registry: Registry, visit: SignedInRequest, tab: str
) -> OrganizationFrame:
    """Return the frame of a page; to those outside of the organization there is none."""
    org = org_of(visit)
    standing = await registry.organizations.access_context(org, by=visit.principal)
    done = DONE_MESSAGES.get(visit.query.get("done", ""), "")
    return OrganizationFrame(standing, standing.existing(org), tab, done)


def show(
    visit: SignedInRequest,
    frame: OrganizationFrame,
    problem: FormProblem | None,
    template: str = "",
    **values: object,
) -> func.HttpResponse:
    """Return the page of the frame's tab, or another one in its place."""
    return visit.show(
        f"account/organization/{template or frame.tab}.html",
        problem,
        frame=frame,
        organization=frame.organization,
        **values,
    )


TabHandler = Callable[[Registry, SignedInRequest, FormProblem], Awaitable[func.HttpResponse]]
FormAction = Callable[[Registry, SignedInRequest, OrgName], Awaitable[object]]

_TO_UNDERSCORES = str.maketrans("/-", "__")  # A name of a Function has neither.


@dataclass(frozen=True, slots=True)
class OrganizationForms:
    """Adds the Functions of the forms of a page, which is shown again afterwards.

    `show` shows it with the reason of a refusal. `back` is where it is below the organization's
    own address; names in braces are those of the address that the form was sent to.
    """

    registry: Registry
    show: TabHandler
    back: str = ""

    def add(self, bp: func.Blueprint, decisions: Mapping[str, FormAction]) -> None:
        """Add a Function for each path below the organization's address."""
        for path, decide in decisions.items():
            bp.route(f"{ORGANIZATION_ROUTE}/{path}", methods=["POST"])(self._function(path, decide))

    def _function(
        self, path: str, decide: FormAction
    ) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
        registry, show = self.registry, self.show
        name = path.replace("{name}/", "")

        async def again(visit: SignedInRequest, problem: FormProblem) -> func.HttpResponse:
            return await show(registry, visit, problem)

        async def decided(visit: SignedInRequest) -> func.HttpResponse:
            org = org_of(visit)
            await decide(registry, visit, org)
            page = self.back.format_map(visit.route)
            return see_other(f"{ORGANIZATIONS_PATH}/{org}{page}?done={name}")

        decided.__name__ = f"account_organization_{name.translate(_TO_UNDERSCORES)}"
        return SignedInPages(registry).form(again=again)(decided)
