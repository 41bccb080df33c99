"""Row 2, typosquats (crossenv 2017, rustdecimal 2022, faster_log 2025): who imitates a popular name
waits for an administrator."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Package
from shared.domain.errors.base import Unavailable
from shared.domain.names import OrgName, PackageName, parse_org
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.typosquats import PopularNames, Resemblance
from shared.services.organizations.typosquats import POPULAR_DEPENDENTS, POPULAR_PULLS, READ_EVERY
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

HERE = Path(__file__).parent
NAMES = 5_000
POPULAR = Package.parse("moonbeam", "sheets")


def rows(name: str) -> list[list[str]]:
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


SQUATS = [(squat, target) for squat, target in rows("squats.jsonl")]
REAL = [(org, name, int(dependents)) for org, name, dependents in rows("real_names.jsonl")]


def as_organization(name: str) -> str:
    """Return a name of another registry as one of an organization, which has no `-` and `.`."""
    return name.replace("-", "_").replace(".", "_")


def resemblance(name: str, popular: str) -> Resemblance | None:
    names = PopularNames([Package(OrgName(popular), PackageName("x"))])
    return next((found for _, found in names.organizations_like(name)), None)


def popular_names() -> PopularNames:
    """Return what many build on in public Central, whose names of packages stand for organizations
    as well, and the targets of all squats."""
    used = [row for row in REAL if row[2] >= POPULAR_DEPENDENTS]
    orgs = [as_organization(text) for org, name, _ in used for text in (org, name)]
    targets = [as_organization(target) for _, target in SQUATS]
    return PopularNames(Package.parse(each, "x") for each in dict.fromkeys([*orgs, *targets]))


def new_names(popular: PopularNames) -> Sequence[str]:
    """Return 5,000 names that nobody imitates: the real ones that are not popular, and real ones
    whose parts are put together anew."""
    real = {as_organization(text): None for org, name, _ in REAL for text in (org, name)}
    words = sorted({part for each in real for part in each.split("_") if len(part) > 2})
    made = (
        f"{one}_{other}"
        for step in range(1, len(words))
        for one, other in zip(words, words[step:], strict=False)
        if one[0] != other[0]
    )
    known = {target for _, target in SQUATS} | {each for each in real if popular.has(each)}
    chosen = dict.fromkeys(each for each in real if each not in known)
    for each in made:
        if len(chosen) == NAMES:
            break
        chosen.setdefault(each)
    return list(chosen)


def test_most_known_squats_resemble_what_they_imitated() -> None:
    missed = [pair for pair in SQUATS if resemblance(*pair) is None]
    assert len(SQUATS) >= 40
    assert len(missed) <= len(SQUATS) * 0.05, missed


def test_most_known_squats_are_found_among_all_popular_names() -> None:
    popular = popular_names()
    found = [
        target
        for squat, target in SQUATS
        if any(popular.organizations_like(as_organization(squat)))
    ]
    assert len(found) >= len(SQUATS) * 0.95


def test_few_of_five_thousand_real_names_are_held() -> None:
    popular = popular_names()
    names = new_names(popular)
    held = {each: next(popular.organizations_like(each), None) for each in names}
    found = {each: known for each, known in held.items() if known}
    assert len(names) == NAMES
    assert len(found) <= NAMES * 0.005, found


def test_no_real_package_reads_as_one_of_another_organization() -> None:
    packages = {Package(OrgName(org), PackageName(name)): count for org, name, count in REAL}
    popular = PopularNames(each for each, count in packages.items() if count >= POPULAR_DEPENDENTS)
    found = [each for each in packages if popular.package_like(each)]
    assert len(found) <= len(packages) * 0.005, found


@pytest.mark.parametrize(
    ("name", "popular"),
    [
        ("team2", "team1"),  # Numbered siblings.
        ("part_b", "part_a"),
        ("acre", "acme"),  # A word of its own: these keys are far apart.
        ("acme", "acme"),
        ("io2", "io"),  # Too short to have an own neighbourhood.
        ("payments", "shipping"),
    ],
)
def test_names_of_their_own_resemble_nothing(name: str, popular: str) -> None:
    assert resemblance(name, popular) is None


@pytest.mark.parametrize(
    ("name", "popular"),
    [
        ("mocnbeam", "moonbeam"),
        ("moobneam", "moonbeam"),
        ("m00nbeam", "moonbeam"),
        ("ac_me", "acme"),
        ("scme", "acme"),  # A neighbour on QWERTY.
        ("zpple", "apple"),  # On AZERTY.
        ("moonbeamx", "moonbeam"),
        ("moonbeam_labs", "moonbeam"),
        ("the_moonbeam", "moonbeam"),
        ("beam_moon", "moon_beam"),
        ("acme_hq", "acme_dev"),
    ],
)
def test_slips_of_a_hand_and_of_a_memory_resemble_a_name(name: str, popular: str) -> None:
    assert resemblance(name, popular) is not None


async def publish_popular(world: World, pulls: int = POPULAR_PULLS) -> None:
    """Publish a package of Bob's that many pull."""
    org = parse_org(POPULAR.org)
    await world.registry.organizations.organizations.create(
        org, world.people.bob.account, by=OPERATOR
    )
    await world.push(bala(f"{POPULAR}:1.0.0"), by=world.people.bob)
    await world.stores.pulls.restore(POPULAR, {"1.0.0": {"2026-01-02": pulls}})
    await world.registry.maintenance.task_runner.run("rebuild-derived-data")
    world.clock.advance(READ_EVERY)  # Processes know it by then.


@pytest.fixture
async def known(world: World) -> World:
    """Return a registry with a popular package of Bob."""
    await publish_popular(world)
    return world


async def found_organization(world: World, org: str, by: Person) -> None:
    answer = await world.send("POST", f"{URL}/api/v1/orgs", by=by, json={"name": org})
    assert answer.status_code == 201, answer.text


async def state_of(world: World, package: str) -> State:
    [survey] = await world.stores.metadata.survey([Package.parse(*package.split("/"))])
    assert survey
    return survey.entries[0].state


async def push_held(world: World, coordinate: str, by: Person) -> str:
    """Push, and return what the client prints of a release that is held for its name."""
    with pytest.raises(ClientFailure, match="could be confused") as failure:
        await world.push(bala(coordinate), by=by)
    return str(failure.value)


async def test_a_package_of_an_organization_that_imitates_a_popular_one_waits(known: World) -> None:
    await found_organization(known, "moonbeam_io", known.people.ann)
    printed = await push_held(known, "moonbeam_io/sheets:1.0.0", known.people.ann)
    assert "moonbeam_io resembles moonbeam, which many use" in printed
    assert await state_of(known, "moonbeam_io/sheets") is State.HELD
    assert await known.java().versions("moonbeam_io/sheets") == []
    page = await signed_in(known, known.people.ann, "/account/organizations/moonbeam_io")
    assert "could be confused with moonbeam" in page.text


async def test_administrators_get_mail_and_decide(known: World) -> None:
    ann = known.people.ann
    admin = known.people.admin.account.model_copy(update={"email": "admin@example.org"})
    await known.stores.directory.put(admin)
    await found_organization(known, "moonbeam_io", ann)
    await push_held(known, "moonbeam_io/sheets:1.0.0", ann)
    [mail] = [each for each in known.mailer.sent if "its name resembles" in each.subject]
    assert mail.to == admin.email
    assert f"{URL}/manage/releases/moonbeam_io/sheets" in mail.text
    holds = known.registry.publishing.package_holds
    await holds.end(Package.parse("moonbeam_io", "sheets"), by=known.fresh(known.people.admin))
    assert await known.java().versions("moonbeam_io/sheets") == ["1.0.0"]
    await known.push(bala("moonbeam_io/another:1.0.0"), by=ann)  # The name is accepted for good.


async def test_a_package_that_reads_as_a_popular_one_waits(known: World) -> None:
    for coordinate in ("acme/moonbeam.sheets:1.0.0", "acme/moonbeam_sheets:1.0.0"):
        printed = await push_held(known, coordinate, known.people.ann)
        assert "reads as moonbeam/sheets" in printed


async def test_a_dry_run_says_that_a_name_will_wait(known: World) -> None:
    answer = await known.send(
        "POST",
        f"{URL}/api/v1/dry-run",
        by=known.people.ann,
        content=multipart("x.bala", bala("acme/moonbeam.sheets:1.0.0")),
        headers=FORM,
    )
    codes = [each["rule"] for each in answer.json()["findings"]]
    assert "name-resembles" in codes


async def test_a_name_that_is_not_a_lookalike_of_another_owners_package_is_published_at_once(
    known: World,
) -> None:
    people = known.people
    await known.push(bala("acme/sheets:1.0.0"), by=people.ann)  # Names of packages are free.
    await known.push(bala("acme/sheet:1.0.0"), by=people.ann)
    await known.push(bala("moonbeam/sheetz:1.0.0"), by=people.bob)  # The owner chooses in it.
    await found_organization(known, "moonbeam_dev", people.bob)  # An owner of the popular one.
    await known.push(bala("moonbeam_dev/sheets:1.0.0"), by=people.bob)
    await known.push(bala("acme/moonbeam.sheets:1.0.0"), by=people.admin)


async def test_an_organization_that_is_older_than_the_popular_one_is_not_held(world: World) -> None:
    await found_organization(world, "moonbeam_io", world.people.ann)
    await publish_popular(world)
    await world.push(bala("moonbeam_io/sheets:1.0.0"), by=world.people.ann)


async def test_the_operator_switches_it_off(worlds: OpenWorld) -> None:
    world = await worlds(typosquats="off")
    await publish_popular(world)
    await found_organization(world, "moonbeam_io", world.people.ann)
    await world.push(bala("moonbeam_io/sheets:1.0.0"), by=world.people.ann)


async def test_few_pulls_make_no_name_worth_imitating(world: World) -> None:
    await publish_popular(world, pulls=POPULAR_PULLS - 1)
    await found_organization(world, "moonbeam_io", world.people.ann)
    await world.push(bala("moonbeam_io/sheets:1.0.0"), by=world.people.ann)


async def test_a_name_on_which_many_packages_build_is_popular(world: World) -> None:
    await publish_popular(world, pulls=0)
    for number in range(POPULAR_DEPENDENTS):
        spec = bala(f"acme/user{number}:1.0.0", dependencies=[f"{POPULAR}:1.0.0"])
        await world.push(spec, by=world.people.ann)
    world.clock.advance(READ_EVERY)
    await found_organization(world, "moonbeam_io", world.people.ann)
    await push_held(world, "moonbeam_io/sheets:1.0.0", world.people.ann)


async def test_while_search_fails_the_last_names_count(known: World) -> None:
    squats = known.registry.organizations.organizations.typosquats
    ann = known.people.ann.account.id
    assert await squats.organization_like("moonbeam_io", ann) == "moonbeam"
    known.clock.advance(READ_EVERY)
    fault = Fault("search", Unavailable("search-down", "Search is down."))
    broken = replace(squats, index=fault.over(squats.index))
    assert await broken.organization_like("moonbeam_io", ann) == "moonbeam"
