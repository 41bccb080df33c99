"""A hidden organization does not exist: outsiders learn nothing of it, by no question and no cost.

Every Function is asked about organizations whose packages are private by default: in a registry
that has them, and in one that never had. What comes back is the same to the byte, and so are the
calls of the stores and their order.
"""

import dataclasses
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from functions.api.api_face import ApiOperation
from functions.api.openapi import OPERATIONS
from functions.faces import build_app
from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Role, Scope
from shared.domain.visibility import Visibility
from shared.hosting.triggers import functions_of
from shared.services.organizations.invitations import InvitationRequest
from shared.services.organizations.organizations import OrganizationProfile
from tests.sampling import covering
from tests.security import registry_pairs
from tests.security.access_table import DECLARED, NOBODYS, TOKEN, Cell, Declared, State
from tests.security.limits import UNREACHED_LIMITS
from tests.security.package_probes import Probe, probes, secret
from tests.security.personas import PERSONAS
from tests.security.registry_pairs import NOBODY, Filled, Opened, Registry, bearer, difference
from tests.support.archives import bala
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.documented_packages import documented_bala
from tests.support.world import Person, Template, World, token_of

HIDDEN = "shadow"
EMPTY = "hollow"  # Hidden as well, and without a package.
GONE = "buried"  # Hidden and deleted, and its record is still there.
NAME = "secret"

GIVEN = 100_000  # Where randomness goes on in both registries.

# No stranger has a token that moderates.
# Administrators alone issue the others.
SCOPES = [each for each in Scope if each not in ADMINISTRATORS_SCOPES]
TOKENS = [f"token of a stranger, {scope.value}" for scope in SCOPES]
BROWSER = "browser of a stranger"
STRANGERS = ("nobody", BROWSER, *TOKENS)

# Bodies that may name an organization, with it.
BODIES = {
    "token_issue": json.dumps({**TOKEN, "org": "ORG"}),
    "api_trusted_exchange": json.dumps({"token": "no.id.token", "org": "ORG"}),
}

# What is typed into each form of a page that names an organization, by the Function that reads it.
# `ORG` is the organization, `ID-OF-ann` the id of an account.
_NEW_TOKEN = {"name": "build", "scope": "read"}
_OF_ANN = {"account": "ID-OF-ann"}
_MESSAGE = {"message": "Use another."}
_VERSION = {"version": "1.0.0"}
_PUBLIC = {"visibility": "public"}
_HELD = {"name": "held", **_VERSION}
_ALL = {"until": "0"}
_OF_NOBODY = {"token": NOBODYS}
_NOTHING: dict[str, str] = {}
_RULES = {"approvals": "1", "version_rule": "registry"}
_PUBLISHER = {"provider": "github", "package": "public", "workflow": "release.yml"}

# The forms of an organization's own pages, by what their Functions are called after
# `account_organization_`.
_OF_ORGANIZATIONS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("remove", "undo"), _OF_ANN),
    **dict.fromkeys(("held_confirm", "held_refuse"), _HELD),
    **dict.fromkeys(("held_confirm_all", "held_refuse_all"), _ALL),
    **dict.fromkeys(("held_revoke", "tokens_rotate", "tokens_revoke"), _OF_NOBODY),
    "tokens_rename": {**_OF_NOBODY, "name": "other"},
    **dict.fromkeys(("packages_undeprecate", "delete", "keep"), _NOTHING),
    **dict.fromkeys(("packages_visibility", "visibility"), _PUBLIC),
    "invite": {"role": "member", "email": "kim@example.org"},
    "role": {**_OF_ANN, "role": "member"},
    "transfer": {"new_owner": "ID-OF-ann", "later_role": "leave", "confirm": "ORG"},
    "withdraw": {"invitation": NOBODYS},
    "packages_deprecate": _MESSAGE,
    "packages_pushers": {"pushers": "publishers"},
    "packages_versions_deprecate": {**_MESSAGE, **_VERSION},
    "packages_versions_erase": {**_VERSION, "reason": "A test.", "confirm": "1.0.0"},
    "packages_versions_hold": {**_VERSION, "reason": "A test."},
    **dict.fromkeys(("packages_versions_restore", "packages_versions_undeprecate"), _VERSION),
    "publishers_add": {**_PUBLISHER, "repository_id": "1", "repository_owner_id": "2"},
    "publishers_remove": {"publisher": NOBODYS},
    **dict.fromkeys(("rules_change", "rules_dry_run"), _RULES),
    **dict.fromkeys(("staged_release_approve", "staged_release_link"), _NOTHING),
    "staged_release_refuse": {"reason": "A test."},
    "describe": {"display_name": "Other", "description": "Another one."},
    "tokens_issue": _NEW_TOKEN,
    "leave": {"org": "ORG"},
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    **{f"account_organization_{name}": fields for name, fields in _OF_ORGANIZATIONS.items()},
    "account_following_follow": {"target": "ORG", "pace": "at-once"},
    "account_following_unfollow": {"target": "ORG"},
    "account_token_issue": {**_NEW_TOKEN, "org": "ORG"},
    "manage_organization_delete": {"name": "ORG"},
    "manage_organization_keep": {"name": "ORG"},
    "manage_organization_found": {"name": "ORG", "owner": "ID-OF-ann"},
}

# These end what the others are asked with, so they are asked last.
ENDING = ("account_delete", "account_session_end_others", "sign_in_out")


@dataclass(frozen=True)
class Question:
    """A request about an organization, and the Function that it is for."""

    function: str
    label: str
    source: Declared | Probe = field(hash=False)
    state: State = State.PRIVATE

    @property
    def topic(self) -> str:
        """Return the first two words of the Function's name: the face and what it is about."""
        return "_".join(self.function.split("_")[:2])

    def about(self, org: str, accounts: Mapping[str, str], csrf: str) -> httpx.Request:
        """Return the request about that organization, with what a form of a session holds."""
        if isinstance(self.source, Probe):
            return self.source.about(NAME, org)
        cell = Cell(PERSONAS[0], self.state, 1, elsewhere=org)
        source = dataclasses.replace(self.source, body=BODIES.get(self.function, self.source.body))
        if self.function in FIELDS:
            body = urlencode({**FIELDS[self.function], "csrf": csrf})
            source = replace(source, body=body, headers=FORM)
        return source.request(cell, accounts)

    @property
    def changes(self) -> bool:
        """Say whether it changes something where it is allowed."""
        return self.source.method not in ("GET", "HEAD")

    def __str__(self) -> str:
        """Return what a failure calls it."""
        return f"{self.function} ({self.label})"


# How many events a registry has is public: its log has an entry for each, also for those that are
# commitments alone. What an entry hides is tested in tests/unit/shared/domain/transparency.
COUNTS_EVENTS = frozenset({"log_checkpoint"})


def questions() -> Iterator[Question]:
    """Yield what the tables of rights and of private packages ask of every Function."""
    for name, declared in DECLARED.items():
        function = name.partition(" ")[0]
        if function in COUNTS_EVENTS:
            continue
        for state in (State.PRIVATE, State.MISSING):
            if state in declared.states or state is State.PRIVATE:
                yield Question(function, f"{name}, {state.value}", declared, state)
    for function, probe in probes():
        yield Question(function, str(probe), probe)


QUESTIONS = sorted(questions(), key=lambda each: each.function in ENDING)
TOPICS = sorted({each.topic for each in QUESTIONS})


@dataclass(frozen=True)
class Pair(registry_pairs.Pair):
    """One with the hidden organizations, and one without."""

    accounts: Mapping[str, str]  # Ids, by name.
    csrf: str


@pytest.fixture(scope="module")
async def pair(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Fill both, and let a stranger in."""
    folder = tmp_path_factory.mktemp("hidden")
    people: dict[str, Mapping[str, str]] = {
        "nobody": NOBODY,
        "owner": bearer(template.people.ann.token),
    }
    browsers: list[Browser] = []

    async def let_in(world: World) -> None:
        await world.push(bala("acme/hidden:1.0.0", visibility="private", tools=["hidden"]))
        sam = await world.registry.identity.accounts.create("sam", by=OPERATOR)
        await world.registry.organizations.organizations.create(parse_org("sams"), sam, by=OPERATOR)
        for name, scope in zip(TOKENS, SCOPES, strict=True):
            people[name] = bearer(await token_of(world.registry, sam, scope.value))
        browsers.append(await signed_in(world, Person(sam, "")))

    both = await template.filled(folder / "both", let_in)
    hiding = await both.filled(folder / "hiding", hide)
    filled = [
        await hiding.filled(folder / "with", maintain),
        await both.filled(folder / "without", maintain),
    ]
    [browser] = browsers
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    people[BROWSER] = {"Cookie": cookies, "User-Agent": browser.agent, "X-CSRF-Token": browser.csrf}
    known = ((name, person.account.id) for name, person in vars(template.people).items())
    having, lacking = [Filled(dataclasses.replace(each, given=GIVEN), people) for each in filled]
    return Pair(having, lacking, {**dict(known), "max": "0000000000"}, browser.csrf)


async def hide(world: World) -> None:
    """Let Ann found the hidden organizations, with something of every kind in one of them."""
    private = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    ann = world.people.ann
    for org in (HIDDEN, EMPTY, GONE):
        await world.registry.organizations.organizations.create(
            parse_org(org), ann.account, by=OPERATOR, profile=private
        )
    await furnish(world)
    gone = await world.stores.directory.get(Organization, organization_place(parse_org(GONE)))
    assert gone
    deleted = gone.model_copy(update={"deleting_ms": world.clock.at_ms})
    await world.stores.directory.replace(deleted)


async def furnish(world: World) -> None:
    """Add packages, a held release, members, an invitation, a token and a publisher."""
    registry = world.registry
    people = world.people
    org = parse_org(HIDDEN)
    await world.push(secret(NAME, HIDDEN))
    for name in ("private", "public", "held"):
        await world.push(documented_bala(f"{HIDDEN}/{name}:1.0.0", visibility="private"))
    await world.document()
    held = Coordinate.parse(HIDDEN, "held", "1.0.0")
    await registry.publishing.moderation.hold(held, "A test.", by=OPERATOR)
    await registry.organizations.memberships.set_member(
        org, people.mia.account, Role.MEMBER, by=OPERATOR
    )
    invitation = InvitationRequest.parse(Role.MEMBER, "kim@example.org", "")
    await registry.organizations.invitations.invite(org, invitation, by=OPERATOR)


async def maintain(world: World) -> None:
    """Let the maintenance tasks count, list and copy what there is."""
    for name in world.registry.maintenance.task_runner.tasks:
        await world.registry.maintenance.task_runner.run(name)


async def asked(having: Registry, lacking: Registry, pair: Pair, topic: str) -> list[str]:
    """Ask both everything of a topic, and return what told them apart."""
    shown: list[str] = []
    for who, org, question in asked_of(topic):
        one, other = [
            await each.asked(question.about(org, pair.accounts, pair.csrf), who)
            for each in (having, lacking)
        ]
        if one != other:
            shown.append(f"{who} by {question} about {org}: {difference(one, other)}")
    return shown


def asked_of(topic: str) -> list[tuple[str, str, Question]]:
    """Return who asks what about which organization; everybody asks everything in full tables."""
    asked = [each for each in QUESTIONS if each.topic == topic]
    rows = [
        (who, _organization(who, org, each), each)
        for each, who, org in product(asked, STRANGERS, (HIDDEN, GONE))
    ]

    def kind(who: str) -> str:
        return "a token" if who in TOKENS else who

    # What changes nothing is asked with one of the tokens.
    return covering(
        list(dict.fromkeys(rows)),
        lambda row: (row[2], kind(row[0])),
        lambda row: (row[2], row[1] == GONE),
        lambda row: (row[2].function, row[1] == GONE, kind(row[0])),
        lambda row: row[1] == GONE or not row[2].changes or (row[2], row[0]),
        lambda row: row[0],
        seed=topic,
    )


def _organization(who: str, org: str, question: Question) -> str:
    """Return which organization to ask about: the Maven face challenges nobody for packages.

    Whether an organization has private packages is what it tells everybody (docs/decisions/0006).
    """
    is_challenged = who in ("nobody", BROWSER) and question.function == "maven_read"
    return EMPTY if org == HIDDEN and is_challenged else org


@pytest.fixture
async def opened(pair: Pair, scratch: Path) -> AsyncGenerator[Opened]:
    async with pair.registries(scratch, **UNREACHED_LIMITS) as both:
        yield both


@pytest.mark.parametrize("topic", TOPICS)
async def test_for_outsiders_a_registry_with_hidden_organizations_equals_one_without_them(
    opened: Opened, pair: Pair, topic: str
) -> None:
    having, lacking = opened
    shown = await asked(having, lacking, pair, topic)
    assert not shown, "\n".join(shown)


async def test_the_owner_of_a_hidden_organization_sees_it(opened: Opened, pair: Pair) -> None:
    question = next(each for each in QUESTIONS if each.function == "api_orgs_show")
    having, lacking = [
        (await each.asked(question.about(HIDDEN, pair.accounts, pair.csrf), "owner"))[0].status
        for each in opened
    ]
    assert (having, lacking) == (200, 404)


async def test_every_function_is_asked_about_the_organization_that_it_takes(
    pair: Pair, opened: Opened
) -> None:
    served = functions_of(build_app(opened[0].world.registry)).http
    by_route = {each.name for each in served if "{org}" in each.route.template.text}
    by_body = {each.name for each in OPERATIONS if "org" in fields_of(each)}
    requests = [(each, each.about(HIDDEN, pair.accounts, pair.csrf)) for each in QUESTIONS]
    asked = {
        each.function
        for each, request in requests
        if HIDDEN in f"{request.url} {request.content.decode('latin-1')}"
    }
    assert sorted((by_route | by_body | set(FIELDS)) - asked) == []
    assert {each.name for each in served} == COUNTS_EVENTS | {each.function for each in QUESTIONS}


def fields_of(operation: ApiOperation) -> set[str]:
    return set(request.model_fields) if (request := operation.openapi.request) else set()
