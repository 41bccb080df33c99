"""Private packages: a challenge where credentials may help, and no leak of their existence.

docs/decisions/0006 says why. Here `acme` has a private package, `other` has none.
"""

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import MAVEN, URL, OpenWorld, World

SECRET = "acme/secret:1.0.0"
ARCHIVE = bala(SECRET, visibility="private", tools=["secretly"])
V = "v2201-13-0"


async def publish(world: World) -> World:
    """Publish a public and a private package of `acme`, and a public of `other`."""
    await world.push(ARCHIVE)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/greet:1.0.0"), by=world.people.bob)
    return world


@pytest.fixture(scope="module")
async def secret(shared_worlds: OpenWorld) -> World:
    """Return a registry with these packages, which no test changes."""
    return await publish(await shared_worlds())


@pytest.fixture
async def own_secret(world: World) -> World:
    """Return such a registry for one test."""
    return await publish(world)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("absent/maven-metadata.xml", 404),
        ("absent/1.0.0/absent-1.0.0.bala", 404),
        ("greet/9.0.0/greet-9.0.0.bala", 404),
        (f"{V}/other/absent/maven-metadata.xml", 200),
    ],
)
async def test_where_nothing_is_private_what_is_missing_is_missing(
    secret: World, path: str, status: int
) -> None:
    answer = await secret.get(f"{MAVEN}/{path if V in path else f'other/{path}'}")
    assert answer.status_code == status
    assert "www-authenticate" not in answer.headers


async def test_a_member_is_asked_for_credentials_and_gets_everything(secret: World) -> None:
    for question in ("versions", "offered"):
        client = secret.maven(secret.people.mia)
        assert await getattr(client, question)("acme/secret") == ["1.0.0"]
        assert [status for _, _, status in client.requests] == [401, 200]
    client = secret.maven(secret.people.mia)
    assert await client.pull(SECRET) == ARCHIVE
    assert (await client.graph(SECRET))["name"] == "secret"


async def test_a_member_learns_what_is_missing(secret: World) -> None:
    with pytest.raises(ClientFailure, match="Could not find artifact"):
        await secret.maven(secret.people.mia).pull("acme/absent:1.0.0")
    assert await secret.maven(secret.people.mia).offered("acme/absent") == []


async def test_a_build_without_credentials_goes_on_as_before(secret: World) -> None:
    assert await secret.maven().versions("acme/secret") == []


async def test_the_redirect_is_signed_and_needs_no_credentials(secret: World) -> None:
    url = f"{MAVEN}/acme/secret/1.0.0/secret-1.0.0.bala"
    location = (await secret.get(url, by=secret.people.mia)).headers["location"]
    assert location.startswith(f"{URL}/archives/private/")
    assert "/" not in location.partition("?")[2]
    assert (await secret.get(location)).content == ARCHIVE
    assert (await secret.get(location.partition("?")[0])).status_code == 404


async def test_a_deprecated_package_leaves_the_challenge_of_its_organization(
    own_secret: World,
) -> None:
    await own_secret.java(own_secret.people.ann).deprecate("acme/secret:*", "Old.")
    answer = await own_secret.get(f"{MAVEN}/acme/absent/maven-metadata.xml")
    assert answer.status_code == 401


async def test_spelling_makes_no_difference(secret: World) -> None:
    for name in ("Secret", "Absent"):
        answer = await secret.get(f"{MAVEN}/ACME/{name}/maven-metadata.xml")
        assert answer.status_code == 401


# --- Tools and searches ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("acme/absent/maven-metadata.xml", "acme/absent"),
        ("acme/absent/1.0.0/absent-1.0.0.bala", "acme/absent:1.0.0"),
        (f"{V}/__tools__/absently/maven-metadata.xml", "The tool absently"),
    ],
)
async def test_an_anonymous_caller_reads_what_is_missing_and_how_to_authenticate(
    secret: World, path: str, what: str
) -> None:
    answer = await secret.get(f"{MAVEN}/{path}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Ballroom"'
    assert answer.text.strip().startswith(
        f"{what} is not here for requests without credentials. Check its name, or put "
    )


async def test_a_member_pulls_a_private_tool(secret: World) -> None:
    root = await secret.maven(secret.people.mia).metadata("__tools__/secretly")
    assert root.findtext("package") == "secret"


async def test_searches_show_what_the_caller_may_see(secret: World) -> None:
    found = await secret.maven().search("packagesearch", "secret")
    assert found.findall("packages/package") == []
    path = f"{MAVEN}/{V}/__packagesearch__/c2VjcmV0/maven-metadata.xml"
    answer = await secret.get(path, by=secret.people.mia)
    assert "<name>secret</name>" in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
