"""Rights to push: members of the organization, and administrators."""

import pytest
from msgspec.structs import replace

from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.localhost import sender_identifier
from shared.services.organizations.organizations import OrganizationProfile
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.port_doubles import CallRecorder
from tests.support.world import MAVEN, URL, OpenWorld, Person, World, limited, token_of

pytestmark = pytest.mark.measured


async def refusal_of(world: World, person: Person, coordinate: str, **spec: object) -> str:
    """Push, expect a refusal that the client shows, and return it."""
    with pytest.raises(ClientFailure) as shown:
        await world.java(person).push(coordinate, bala(coordinate, **spec))
    assert shown.value.reason
    return shown.value.reason


async def newcomer(world: World) -> Person:
    """Return somebody who belongs to no organization."""
    account = await world.registry.identity.accounts.create("sam", by=OPERATOR)
    return Person(account, await token_of(world.registry, account))


@pytest.mark.parametrize("name", ["bob", "mia"])
async def test_who_owns_no_part_of_it_is_refused_with_the_way_out(world: World, name: str) -> None:
    reason = await refusal_of(world, getattr(world.people, name), "acme/greet:1.0.0")
    assert "acme" in reason
    assert "owner" in reason


async def test_the_push_of_an_administrator_creates_the_organization(world: World) -> None:
    admin = world.java(world.people.admin)
    await admin.push("fresh/greet:1.0.0", bala("fresh/greet:1.0.0"))
    await admin.push("fresh/more:1.0.0", bala("fresh/more:1.0.0"))
    assert await world.java().versions("fresh/greet") == ["1.0.0"]
    organization = await world.stores.directory.get(Organization, organization_place("fresh"))
    assert organization is not None
    assert organization.founder == world.people.admin.account.id


@pytest.mark.parametrize("org", ["ballerina", "ballerinax", "BallerinaLabs", "ballerina_tools"])
async def test_names_that_begin_with_ballerina_are_the_operators(world: World, org: str) -> None:
    assert "operator" in await refusal_of(world, world.people.ann, f"{org}/http:1.0.0")


@pytest.mark.parametrize("org", ["wso2", "Adm1n", "symbols", "ba11erina"])
async def test_a_push_to_a_reserved_name_does_not_suggest_to_create_it(
    world: World, org: str
) -> None:
    reason = await refusal_of(world, world.people.ann, f"{org}/http:1.0.0")
    assert reason.startswith(f"{org} is, or looks like, a name that this registry reserves")
    assert "Push under an organization of your own." in reason


async def test_a_push_to_a_reserved_name_that_people_own_names_the_role_that_is_missing(
    world: World,
) -> None:
    await world.registry.organizations.organizations.create(
        parse_org("wso2"), world.people.bob.account, by=OPERATOR
    )
    reason = await refusal_of(world, world.people.ann, "wso2/http:1.0.0")
    assert "only maintainers and owners of wso2 can do this" in reason


@pytest.mark.parametrize("org", ["ballerina", "ballerinazz", "wso2", "Adm1n", "symbols"])
async def test_the_push_of_an_administrator_creates_no_reserved_name(
    world: World, org: str
) -> None:
    reason = await refusal_of(world, world.people.admin, f"{org}/http:1.0.0")
    assert reason.startswith(f"The organization {org} does not exist, and a push does not create")
    assert "reserved" in reason
    assert "/manage/organizations" in reason
    assert await world.stores.directory.get(Organization, organization_place(org)) is None


@pytest.mark.parametrize("org", ["acm", "Acmee", "acne", "amce", "xacme", "cme"])
async def test_the_push_of_an_administrator_creates_no_name_one_edit_from_another(
    world: World, org: str
) -> None:
    reason = await refusal_of(world, world.people.admin, f"{org}/http:1.0.0")
    assert "one character away from acme, which exists" in reason
    assert await world.stores.directory.get(Organization, organization_place(org)) is None


# Names that exist together in a registry of many people.
TOGETHER = ("shammi", "shammi1", "shammil", "thishani", "thushani", "hasitha1", "hasithaa")


async def test_an_administrator_imports_names_that_look_alike_and_nobody_else_adds_one(
    world: World,
) -> None:
    for org in TOGETHER:
        await world.push(bala(f"{org}/greet:1.0.0"), by=world.people.admin)
        assert await world.java().versions(f"{org}/greet") == ["1.0.0"]
    for org in ("shammll", "shamml", "thishanii"):
        reason = await refusal_of(world, world.people.bob, f"{org}/greet:1.0.0")
        assert f"{org} does not exist" in reason
        body = f'{{"name":"{org}"}}'.encode()
        answer = await world.send("POST", f"{URL}/api/v1/orgs", by=world.people.bob, content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "looks-alike")


async def test_an_administrator_adds_no_name_one_edit_from_one_that_another_administrator_made(
    world: World,
) -> None:
    account = await world.registry.identity.accounts.create_administrator("eve", by=OPERATOR)
    another = Person(account, await token_of(world.registry, account))
    await world.push(bala("shammi/greet:1.0.0"), by=another)
    reason = await refusal_of(world, world.people.admin, "shammi1/greet:1.0.0")
    assert "one character away from shammi, which exists" in reason


async def test_an_archive_of_a_principal_that_may_publish_nowhere_is_not_read(world: World) -> None:
    reader = await limited(world, world.people.ann, "read")
    stranger = await newcomer(world)
    reasons = {
        world.people.mia: "you are only member of acme",
        stranger: "you belong to no organization",
        reader: f"push-version. Create a token that may publish at {URL}/account/tokens?for=push.",
    }
    for person, reason in reasons.items():
        shown = refused(await world.upload(multipart("x.bala", b"no zip"), by=person), 400)
        assert shown.startswith("You may not publish any package"), shown
        assert reason in shown
    for person in (world.people.bob, world.people.admin):
        shown = refused(await world.upload(multipart("x.bala", b"no zip"), by=person), 400)
        assert "not a zip archive" in shown


async def test_an_author_reads_where_to_create_an_organization_that_does_not_exist(
    worlds: OpenWorld,
) -> None:
    open_to_all = await worlds()
    for_administrators = await worlds(founding="administrators")
    reason = await refusal_of(open_to_all, open_to_all.people.ann, "acmee/greet:1.0.0")
    assert reason == (
        "You may not publish acmee/greet: the organization acmee does not exist. "
        f"Create it on {URL}/account/organizations, or correct its name."
    )
    reason = await refusal_of(
        for_administrators, for_administrators.people.ann, "acmee/greet:1.0.0"
    )
    assert reason.endswith(
        "Ask an administrator of this registry to create it, or correct its name."
    )


async def test_a_refusal_names_what_somebody_of_no_organization_wanted_to_publish(
    world: World,
) -> None:
    sam = await newcomer(world)
    reason = await refusal_of(world, sam, "acme/greet.more:1.0.0")
    assert reason.startswith("You may not publish acme/greet.more: ")
    for name in ("<b>-x-any-1.0.0.bala", "greet.bala", "", "acme-greet"):
        body = multipart(name, bala("acme/greet:1.0.0"))
        assert "publish any package: " in refused(await world.upload(body, by=sam), 400)


async def test_only_principals_that_may_publish_get_room_for_large_archives(
    worlds: OpenWorld,
) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    identify = sender_identifier(world.registry)
    stranger = await newcomer(world)
    reader = await limited(world, world.people.ann, "read")

    async def account_of(person: Person, path: str = "/2.0/registry/packages") -> str:
        return (await identify({"authorization": f"Bearer {person.token}"}, path)).account

    for person in (world.people.mia, stranger, reader):
        assert await account_of(person) == ""
    for person in (world.people.ann, world.people.admin):
        assert await account_of(person) == person.account.id
    for person in (world.people.mia, reader):  # Members check archives as well.
        assert await account_of(person, "/api/v1/dry-run") == person.account.id
    assert await account_of(stranger, "/api/v1/dry-run") == ""
    port_calls.taken()
    assert await account_of(world.people.ann)
    assert port_calls.taken() == []  # Nor does the push ask again.


async def test_a_token_that_may_not_read_still_pushes_the_next_version(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    robot = await limited(world, world.people.ann, "push-version", package="secret")
    await world.push(bala("acme/secret:1.1.0", visibility="private"), by=robot)
    assert await world.java(world.people.mia).versions("acme/secret") == ["1.1.0", "1.0.0"]


# --- Limits of a token ---------------------------------------------------------------------------

LIMITS = [
    ({"org": "globex"}, "the token is limited to the organization globex"),
    ({"package": "io*"}, "the token is limited to the package io*"),
]


async def push_everywhere(world: World, person: Person, sentence: str) -> None:
    """Push `acme/greet` to each face that takes pushes, and expect a refusal with the sentence."""
    archive = bala("acme/greet:1.0.0")
    shown = refused(await world.upload(multipart("x.bala", archive), by=person), 400)
    assert sentence in shown
    url = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"
    answer = await world.send("PUT", url, by=person, content=archive)
    assert (answer.status_code, sentence in answer.text) == (403, True), answer.text


@pytest.mark.parametrize(("limit", "sentence"), LIMITS)
async def test_the_refusal_of_a_limited_token_names_the_limit_that_failed(
    world: World, limit: dict[str, str], sentence: str
) -> None:
    for scopes in ((), ("push-new", "push-version")):
        person = await limited(world, world.people.ann, *scopes, **limit)
        await push_everywhere(world, person, f"You may not publish acme/greet: {sentence}. ")


async def test_a_limit_is_named_for_a_package_that_exists_as_for_a_new_one(world: World) -> None:
    person = await limited(world, world.people.ann, "push-new", "push-version", package="io")
    before = await refusal_of(world, person, "acme/greet:1.0.1")
    await world.push(bala("acme/greet:1.0.0"))
    assert await refusal_of(world, person, "acme/greet:1.0.1") == before


async def test_the_refusal_of_a_token_of_another_organization_names_it(world: World) -> None:
    await world.create_organization("globex")
    wanted = TokenRequest.parse("ci", ["push-new"], org="globex", package="*", days=30)
    tokens = world.registry.tokens.access_tokens
    issued = await tokens.issue(OfOrganization(parse_org("globex")), wanted, by=OPERATOR)
    robot = Person(world.people.bob.account, issued.text.reveal())
    await push_everywhere(
        world, robot, "the token is one of the organization globex; use one of acme"
    )


async def test_the_refusal_of_a_token_for_other_addresses_names_the_address(
    worlds: OpenWorld,
) -> None:
    world = await worlds()
    wanted = TokenRequest.parse("ci", ["push-new"], org="*", package="*", days=30)
    wanted = replace(wanted, addresses=("203.0.113.0/24",))
    tokens = world.registry.tokens.access_tokens
    issued = await tokens.issue(world.people.ann.account.id, wanted, by=OPERATOR)
    person = Person(world.people.ann.account, issued.text.reveal())
    await push_everywhere(world, person, "This access token may not be used from 127.0.0.1. ")


RENAME_ROOT = 'Set org = "your-organization" in Ballerina.toml'


@pytest.mark.parametrize("founding", ["anyone", "administrators"])
async def test_whoever_pushes_to_root_reads_how_to_rename_it(
    worlds: OpenWorld, founding: str
) -> None:
    world = await worlds(founding=founding)
    stranger = await newcomer(world)
    people = world.people
    for person in (people.ann, people.mia, people.bob, people.admin, stranger):
        for org in ("root", "Root"):
            reason = await refusal_of(world, person, f"{org}/greet:1.0.0")
            assert f"{org} does not exist" in reason
            assert RENAME_ROOT in reason
            assert "/organizations" not in reason
    assert await world.stores.directory.get(Organization, organization_place("root")) is None


async def test_root_that_exists_is_an_organization_like_others(world: World) -> None:
    await world.create_organization("root")
    for person in (world.people.ann, world.people.mia):
        assert RENAME_ROOT not in await refusal_of(world, person, "root/greet:1.0.0")
    await world.push(bala("root/greet:1.0.0"), by=world.people.admin)
    assert await world.java().versions("root/greet") == ["1.0.0"]


async def test_root_that_is_hidden_is_refused_as_if_it_did_not_exist(world: World) -> None:
    people = world.people
    before = [
        await refusal_of(world, each, "root/greet:1.0.0") for each in (people.ann, people.mia)
    ]
    await world.registry.organizations.organizations.create(
        parse_org("root"),
        people.admin.account,
        by=OPERATOR,
        profile=OrganizationProfile(default_visibility=Visibility.PRIVATE),
    )
    after = [await refusal_of(world, each, "root/greet:1.0.0") for each in (people.ann, people.mia)]
    assert after == before
