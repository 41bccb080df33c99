"""A private package does not exist: outsiders learn nothing of it, by no question and no cost.

Two registries are asked the same questions. One has the private package that they are about, the
other one does not. What comes back is the same to the byte, and so are the calls of the stores and
their order, which is what time tells.
"""

from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from functions.faces import build_app
from shared.domain.coordinates import Package
from shared.domain.following import Pace
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.hosting.triggers import functions_of
from shared.runtime.routing import Router
from tests.security.package_probes import (
    CHANGING,
    READING,
    Probe,
    Seen,
    is_about_no_package,
    probes,
    secret,
    seen,
)
from tests.security.registry_pairs import NOBODY, Filled, Opened, Pair, bearer, pairs_of, told_apart
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.world import Template, World, token_of

NAME = "secret"
ABSENT = "absent"  # As long as the other, so that lengths compare.
FIRST = "listed"  # Asked about before these two: what a registry reads once is read for it.

READERS = ("nobody", "stranger", "owner elsewhere", "token for others", "token that cannot read")
WRITERS = READERS[:4]  # A token that publishes may know what its organization has.

# The registry of the packages that outsiders see, and one private package beside the one asked
# about: whether an organization has any is no secret (docs/decisions/0006).
PUBLISHED = (
    bala("acme/greet:1.0.0", tools=["greeter"]),
    bala("acme/hidden:1.0.0", visibility="private", tools=["hidden"]),
)


async def filled(template: Template, folder: Path, *archives: bytes, **settings: Any) -> Filled:
    """Fill a registry with what everybody may see, and these archives of Ann's."""
    people = {"nobody": NOBODY, "owner elsewhere": bearer(template.people.bob.token)}

    async def fill(world: World) -> None:
        await world.push(bala("other/greet:1.0.0"), by=world.people.bob)
        for archive in (*PUBLISHED, *archives):
            await world.push(archive)
        sam = await world.registry.identity.accounts.create("sam", by=OPERATOR)
        limited = partial(token_of, world.registry, world.people.ann.account)
        people["stranger"] = bearer(await token_of(world.registry, sam))
        people["token for others"] = bearer(await limited("read", org="acme", package="gre*"))
        people["token that cannot read"] = bearer(await limited("push-version", org="acme"))

    return Filled(await template.filled(folder, fill, **settings), people)


@pytest.fixture(scope="module")
async def pair(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    having = await filled(template, folder / "with", secret(NAME))
    return Pair(having, await filled(template, folder / "without"))


@pytest.fixture
async def opened(pair: Pair, scratch: Path) -> AsyncGenerator[Opened]:
    """Return a registry that has the private package, and one that never heard of it."""
    async with pair.registries(scratch) as both:
        yield both


@pytest.mark.parametrize("function", [*READING, *CHANGING])
async def test_for_outsiders_a_registry_with_it_equals_one_without_it(
    opened: Opened, function: str
) -> None:
    assert await told_apart(opened, asked_of(function), NAME) == []


@pytest.mark.parametrize("function", sorted(READING))
async def test_members_read_it_and_other_functions_do_not_depend_on_it(
    opened: Opened, function: str
) -> None:
    mia = opened[0].world.people.mia
    answers = [
        [await seen(each.world, probe.about(NAME), mia) for probe in READING[function]]
        for each in opened
    ]
    assert (answers[0] != answers[1]) is (function not in UNMOVED)


# What answers alike whatever there is: about organizations (one of which is `ballerina`), about
# documentation, none of which is read yet, and what others keep and show, in which nothing private
# is for anybody. Owners alone read warnings, and no release waits for a review.
OF_THOSE_WHO_DECIDE = {"api_staged_releases_review", "api_releases_rule_findings"}
UNMOVED = {
    "api_orgs_show",
    "central_library",
    "web_badge",
    "web_llms",
    "web_sitemap",
    *OF_THOSE_WHO_DECIDE,
} | {
    f"central_{kind}{by}"
    for kind in ("connectors", "triggers")
    for by in ("", "_by_id", "_by_name")
}


# A private package shares its words with public packages, which depend on it, name it in their
# deprecation message, and are among its own dependencies.
ENTANGLED = (
    bala("acme/old:1.0.0", dependencies=[f"acme/{NAME}:1.0.0", "other/greet:1.0.0"]),
    bala("acme/second:1.0.0", keywords=["xylophone"], readme="# Second\n\nkettle"),
)
ENTANGLED_SECRET = bala(
    f"acme/{NAME}:1.0.0",
    visibility="private",
    tools=[NAME],
    dependencies=["other/greet:1.0.0", "acme/second:1.0.0"],
    keywords=["xylophone", "topkey", "aws"],
    summary="A cron for mssql",
    readme="# It\n\nmarimba kettle logging",
)
QUERIES = (
    "secret",
    "secre",
    "sercet",
    "topkey",
    "tpokey",
    "xylophon",
    "marimba",
    "kettle",
    "log",
    "schedule",
    "sql server",
    "amazon",
    "acme/",
    "acme/s",
    "secret kettle",
    "*sec*",
    "org:acme",
    "kettle xylophone zzz",
    "(secret OR second)",
    "keyword:topkey",
    "name:s*",
)
SORTS = ("relevance", "used", "updated", "new")
NEW_PAGES = [
    *(f"/search?q={quote(text)}&sort={sort}" for text in QUERIES for sort in SORTS),
    *(f"/search?q={quote(text)}&form=suggestions" for text in QUERIES),
    *(f"/{kind}?q={quote(text)}" for text in QUERIES for kind in ("keywords", "organizations")),
    *(f"/packages/acme/{quote(text, safe='')}" for text in QUERIES),
    *(
        f"/packages/{package}/{tab}"
        for package in ("acme/old", "acme/second", "other/greet")
        for tab in ("latest", "dependencies", "dependents", "versions")
    ),
    "/",
]


async def entangled(template: Template, folder: Path, *archives: bytes) -> Filled:
    """Fill a registry with a private package, if it is given, and what is near to it."""
    near = await filled(template, folder / "near", *ENTANGLED, *archives)

    async def deprecate(world: World) -> None:
        message = f"Use acme/{NAME}, acme/{ABSENT} or acme/second 1.0.0."
        old = Package.parse("acme", "old")
        await world.registry.packages.deprecation.deprecate_package(old, message, by=OPERATOR)

    return Filled(await near.template.filled(folder / "entangled", deprecate), near.people)


@pytest.fixture(scope="module")
async def entangled_pair(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("entangled")
    having = await entangled(template, folder / "with", ENTANGLED_SECRET)
    return Pair(having, await entangled(template, folder / "without"))


async def test_packages_that_share_words_and_dependencies_with_it_tell_nothing(
    entangled_pair: Pair, scratch: Path
) -> None:
    probed = [Probe(path) for path in NEW_PAGES]
    questions = pairs_of(("nobody", "stranger", "token for others"), probed)
    async with entangled_pair.registries(scratch) as both:
        assert await told_apart(both, questions, NAME) == []


async def test_ten_seconds_after_it_became_private_no_count_includes_it(
    entangled_pair: Pair, scratch: Path
) -> None:
    async with entangled_pair.registries(scratch) as (having, lacking):
        change = having.world.registry.packages.visibility.change
        await change(Package.parse("acme", NAME), Visibility.PUBLIC, by=OPERATOR)
        await answers_to_strangers(having.world)
        await change(Package.parse("acme", NAME), Visibility.PRIVATE, by=OPERATOR, reason="A test.")
        having.world.clock.advance(timedelta(seconds=10))
        after = await answers_to_strangers(having.world)
        lacking.world.clock.advance(timedelta(seconds=10))
        assert after == await answers_to_strangers(lacking.world)


async def answers_to_strangers(world: World) -> dict[str, Seen]:
    """Return what somebody without a token sees of each page."""
    return {path: await seen(world, Probe(path).about(NAME), None) for path in NEW_PAGES}


async def test_every_function_is_asked_or_is_about_no_package(world: World) -> None:
    served = functions_of(build_app(world.registry)).http
    names = {each.name for each in served}
    assert {each for each in names if not is_about_no_package(each)} == {*READING, *CHANGING}


async def test_every_question_reaches_the_function_that_it_is_for(world: World) -> None:
    served = functions_of(build_app(world.registry)).http
    router = Router([(each.route, each.name) for each in served])
    astray = [
        f"{probe} is answered by {found and found[0]} and not by {function}"
        for function, probe in probes()
        if (found := router.match(probe.method, path(probe))) is None or found[0] != function
    ]
    assert not astray


def asked_of(function: str) -> list[tuple[str, Probe]]:
    """Return every question to the Function, and everybody who may learn nothing by it.

    With the full tables everybody asks every question.
    """
    if function in READING:
        return pairs_of(READERS, READING[function], seed=function)
    return pairs_of(WRITERS, CHANGING[function], seed=function)


def path(probe: Probe) -> str:
    """Return the path that a question is sent to."""
    return probe.about(NAME).url.path


async def test_followers_get_no_mail_about_an_advisory_that_also_names_it(world: World) -> None:
    bob = world.people.bob
    mailed = bob.account.model_copy(update={"email": "bob@example.org"})
    await world.stores.directory.put(mailed)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(secret(NAME))
    tell = partial(world.registry.maintenance.task_runner.run, "tell-followers")
    await tell()
    follows = world.registry.packages.following
    package = Package.parse("acme", "greet")
    await follows.follow(package, Pace.AT_ONCE, by=world.fresh(bob))
    both = [affected(f"acme/{each}", "introduced 0") for each in ("greet", NAME)]
    advisories = world.registry.advisories.advisories
    stored = await advisories.store(advisory(*both), OPERATOR)
    await tell()
    assert world.mailer.to("bob@example.org") == []
    shown = await world.send("GET", f"/advisories/{stored.id}", by=bob)
    assert shown.status_code == 404
    public = await advisories.store(advisory(both[0]), OPERATOR)
    await tell()
    [mail] = world.mailer.to("bob@example.org")
    assert public.id in mail.text
    assert stored.id not in mail.text


# --- internal packages and guests ----------------------------------------------------------------

GUESTS = ("nobody", "stranger", "token for others", "token that cannot read")


async def test_for_guests_an_internal_package_is_not_there(
    template: Template, tmp_path: Path
) -> None:
    def inside(name: str) -> bytes:
        return bala(f"acme/{name}:1.0.0", visibility="internal", tools=[name], modules=["sub"])

    folders = {"having": (NAME, "nearby"), "lacking": ("nearby",)}
    pair = Pair(
        *[
            await filled(template, tmp_path / folder, *map(inside, names), staff="@example.org")
            for folder, names in folders.items()
        ]
    )
    async with pair.registries(tmp_path / "opened", staff="@example.org") as both:
        for function, questions in READING.items():
            asked = pairs_of(GUESTS, questions, seed=function)
            assert await told_apart(both, asked, NAME) == [], function
