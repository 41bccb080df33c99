"""OWASP API3: nobody writes a field that is not theirs to write, or reads one that is not to read.

Bodies are closed: what an operation does not name is refused, not ignored. Answers about public
packages are the same for everybody, and hold nothing of who published and how it is stored.
"""

import re
from itertools import product

import pytest
from pydantic import BaseModel, ValidationError

from functions.api.api_face import ApiOperation
from functions.api.openapi import OPERATIONS
from shared.domain.tokens import Token
from tests.security.package_probes import READING, Probe, Seen, secret, seen
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, Person, World

# What somebody would like to set: fields of records, and of what other registries fell for.
WANTED = {
    "verified",
    "ownerId",
    "owner",
    "administrator",
    "isAdmin",
    "id",
    "hash",
    "revision",
    "state",
    "account",
    "actor",
    "createdMs",
    "created_ms",
    "schemaVersion",
    "signed_in_ms",
    "strong",
    "__class__",
    "constructor",
    "__proto__",
    "$where",
    "kind",
    "provenance",
    "outbox",
}
READ_BY_PATH = re.compile(r"\{(\w+)\}")


MODELS = {model.__name__: model for each in OPERATIONS if (model := each.openapi.request)}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_body_takes_no_field_that_its_operation_does_not_name(model: type[BaseModel]) -> None:
    """Nor does any object within it."""
    schema = model.model_json_schema()
    for each in (schema, *schema.get("$defs", {}).values()):
        assert each.get("additionalProperties") is False or "properties" not in each
    for field in WANTED - {each.alias or name for name, each in model.model_fields.items()}:
        with pytest.raises(ValidationError) as refused:
            model.model_validate({field: "mine"})
        errors = [(each["type"], each["loc"]) for each in refused.value.errors()]
        assert ("extra_forbidden", (field,)) in errors


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.openapi.request],
    ids=lambda each: each.name,
)
async def test_no_operation_does_anything_for_a_body_with_such_a_field(
    world: World, operation: ApiOperation
) -> None:
    url = f"{URL}/{READ_BY_PATH.sub('acme', operation.route)}"
    body = b'{"administrator":true,"verified":true}'
    before = await events(world)
    for by in (world.people.ann, world.people.admin):
        answer = await world.send(operation.methods[0], url, by=by, content=body)
        assert 400 <= answer.status_code < 500, answer.text
    assert await events(world) == before


async def events(world: World) -> int:
    return len(await world.stores.events.since(0, 10_000))


# --- reading -----------------------------------------------------------------------------------

# Searches of Maven clients hold what their caller may see, so only anonymous ones may be shared.
OWN_CACHING = {
    "__packagesearch__",
    "__packagesearchsolr__",
    "__toolsearch__",
    "__symbolsearch__",
    "/feeds/",
}

# Pages for everybody are kept for strangers alone: whoever is known gets them without a tag.
PAGES = (
    "/packages/",
    "/compare",
    "/files/",
    "/orgs/",
    "/organizations",
    "/keywords",
    "/search",
    "/symbols",
)
OF_CACHES = {"cache-control", "etag", "vary"}

GREET = bala("acme/greet:1.0.0", tools=["greet"], modules=["sub"])


@pytest.fixture(scope="module")
async def public(shared_worlds: OpenWorld) -> World:
    """Return a registry where everything is public, and was published by Ann."""
    world = await shared_worlds()
    await world.push(GREET)
    return world


@pytest.fixture(scope="module")
async def hiding(shared_worlds: OpenWorld) -> World:
    """Return a registry where Ann published a private package, too."""
    world = await shared_worlds()
    await world.push(GREET)
    await world.push(secret("secret"))
    return world


@pytest.mark.parametrize("function", sorted(READING))
async def test_everybody_reads_the_same_of_public_packages(public: World, function: str) -> None:
    shown: list[str] = []
    for probe in READING[function]:
        if "user-packages" in probe.path:
            continue  # It asks for the packages of the caller's own organizations.
        if probe.path.endswith(("/review", "/warnings")):
            continue  # They are for the people of the organization alone.
        if is_page(probe) and ("If-None-Match", "*") in probe.headers:
            continue  # Only what has a tag can be what the caller has already.
        await seen(public, probe.about("greet"), None)  # Highlights a file for those who follow.
        anonymous = await seen(public, probe.about("greet"), None)
        for by in askers(public, probe):
            known = await seen(public, probe.about("greet"), by)
            if cached_alike(probe, anonymous) != cached_alike(probe, known):
                shown.append(f"{by.account.name} by {probe}: {anonymous} and {known}")
    assert not shown, "\n".join(shown)


def askers(world: World, probe: Probe) -> list[Person]:
    """Return who is known and sees what a stranger sees."""
    people = world.people
    if probe.path.startswith("/orgs/") or "/history" in probe.path:
        return [people.bob]  # Members see who is in it, and who changed a package, besides.
    return [people.bob, people.mia, people.ann, people.admin]


def cached_alike(probe: Probe, what: Seen) -> tuple[int, object, bytes]:
    """Return what was seen, without the caching of what is made for its caller."""
    is_own = any(word in probe.path for word in OWN_CACHING)
    left_out = OF_CACHES if is_page(probe) else {"cache-control"} if is_own else set[str]()
    kept = [pair for pair in what.headers if pair[0] not in left_out]
    return what.status, kept, what.body


def is_page(probe: Probe) -> bool:
    return probe.path.startswith(PAGES)


@pytest.mark.parametrize("function", sorted(READING))
async def test_no_answer_says_who_published_or_how_it_is_stored(
    hiding: World, function: str
) -> None:
    ann = hiding.people.ann
    [token] = await hiding.stores.directory.list_by_owner(Token, ann.account.id)
    for probe, name in product(READING[function], ("greet", "secret")):
        answer = await seen(hiding, probe.about(name), ann)
        text = answer.body.decode(errors="replace")
        for private in (token.id, token.hash, ann.token):
            assert private not in text, probe
        if "/history" not in probe.path:  # Members read who did what.
            assert ann.account.id not in text, probe
        for key in ("outbox", "revision", "origin", "principal", "credential", "state_reason"):
            assert f'"{key}"' not in text, probe
