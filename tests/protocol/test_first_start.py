"""The first start makes an administrator and a Settings.toml; every start finds them again."""

import asyncio
import math
import sys
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.adapters.sqlite.connections import DatabaseDamaged
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import prepared_stores
from shared.commands.first_start import first_start
from shared.domain.accounts import Account, AccountLock
from shared.domain.coordinates import Coordinate, Package
from shared.domain.event_queries import EventQuery
from shared.domain.listings import Listing
from shared.domain.packages import FoundRelease
from shared.domain.principals import OPERATOR
from shared.domain.search import Query, ResultPage
from shared.localhost import prepare_data_folder
from shared.ports.metadata import MetadataStore
from shared.ports.search import SearchIndex
from shared.program import launcher
from shared.services.packages import derived_data
from shared.settings import Settings
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.storage import one_machine
from tests.support.world import OpenWorld, World

pytestmark = one_machine("it prepares a data folder")

STARTERS = 4
# They start at once only where they share what takes longest, the imports.
PREPARE_AT_ONCE = f"""
import os, sys
from shared.localhost import prepare_data_folder
from shared.settings import Settings

starters = []
for _ in range({STARTERS}):
    starter = os.fork()
    if not starter:
        prepare_data_folder(Settings.load())
        sys.exit()
    starters.append(starter)
sys.exit(any(os.waitpid(each, 0)[1] for each in starters))
"""


def settings_of(data: Path, url: str = "http://127.0.0.1:7071") -> Settings:
    return Settings(data=data, url=url, log_level="warning")


def token_in(data: Path) -> str:
    return token_of((data / "Settings.toml").read_text("utf-8"))


def token_of(text: str) -> str:
    return str(tomllib.loads(text)["repository"]["maven"][0]["accesstoken"])


async def authenticates(data: Path) -> str:
    """Return the name of whom the token of Settings.toml belongs to."""
    registry = build_registry(settings_of(data))
    try:
        headers = {"authorization": f"Bearer {token_in(data)}"}
        caller = await registry.identity.authentication.authenticate(headers)
        return (await registry.identity.accounts.by_id(caller.id)).name
    finally:
        await registry.close()


def test_the_first_start_writes_a_token_that_works_for_its_owner_alone(tmp_path: Path) -> None:
    prepare_data_folder(settings_of(tmp_path))
    assert (tmp_path / "Settings.toml").stat().st_mode & 0o777 == 0o600
    assert asyncio.run(authenticates(tmp_path)) == "admin"


def test_the_start_prints_what_a_person_needs_next(tmp_path: Path) -> None:
    printed = str(prepare_data_folder(settings_of(tmp_path)))
    assert "http://127.0.0.1:7071" in printed
    assert str(tmp_path / "Settings.toml") in printed
    assert "http://127.0.0.1:7071/sign-in/link#" in printed
    assert "-F bala-file=@" in printed
    assert "Accept: application/octet-stream" in printed
    assert token_in(tmp_path) not in printed


@pytest.mark.parametrize("url", ["https://registry.test", "http://registry.test"])
def test_no_start_prints_a_link_where_the_registry_is_public(tmp_path: Path, url: str) -> None:
    printed = str(prepare_data_folder(settings_of(tmp_path, url)))
    assert "/sign-in/link#" not in printed
    assert f"{launcher()} signin-link admin\n" in printed
    assert asyncio.run(links_made(tmp_path)) == 0


async def links_made(data: Path) -> int:
    """Return how many sign-in links the log of the administrator tells of."""
    registry = build_registry(settings_of(data))
    try:
        [admin] = await registry.administration.accounts.list_administrators(by=OPERATOR)
        query = EventQuery(kind="sign-in-link.issued")
        page = await registry.administration.audit_log.of_other_account(
            admin.id, query, by=OPERATOR
        )
        return len(page.events)
    finally:
        await registry.close()


def test_each_link_that_a_start_prints_is_in_the_log(tmp_path: Path) -> None:
    for made in (1, 2):
        assert "/sign-in/link#" in str(prepare_data_folder(settings_of(tmp_path)))
        assert asyncio.run(links_made(tmp_path)) == made


async def test_no_link_is_printed_while_an_administrator_is_signed_in(worlds: OpenWorld) -> None:
    world = await worlds(url="http://127.0.0.1:7071")
    file = world.registry.settings.data / "Settings.toml"
    assert (await first_start(world.registry, file)).sign_in_link
    await signed_in(world, world.people.ann)
    assert (await first_start(world.registry, file)).sign_in_link
    await signed_in(world, world.people.admin)
    assert (await first_start(world.registry, file)).sign_in_link is None
    world.clock.advance(timedelta(days=15))
    assert (await first_start(world.registry, file)).sign_in_link


async def dismissed(world: World) -> Account:
    """Make Ann administrator instead of the first one, whose account is deleted then."""
    administration = world.registry.administration
    admin = world.people.admin
    await administration.administrators.appoint(world.people.ann.account, by=OPERATOR)
    await administration.administrators.dismiss(admin.account, "It was decided.", by=OPERATOR)
    await administration.account_deletion.delete(by=world.fresh(admin))
    return world.people.ann.account


async def test_a_registry_starts_whatever_its_administrator_is_called(world: World) -> None:
    ann = await dismissed(world)
    file = world.registry.settings.data / "Settings.toml"
    assert (await first_start(world.registry, file)).sign_in_command.endswith(" signin-link ann")
    headers = {"authorization": f"Bearer {token_of(file.read_text('utf-8'))}"}
    assert (await world.registry.identity.authentication.authenticate(headers)).id == ann.id


async def test_a_start_without_an_administrator_creates_one_with_an_unused_name(
    world: World,
) -> None:
    ann = await dismissed(world)
    stored = await world.registry.identity.accounts.by_id(ann.id)
    lock = AccountLock(at_ms=1, by="operator", reason="Stolen.")
    await world.stores.directory.replace(stored.model_copy(update={"lock": lock}))
    file = world.registry.settings.data / "Settings.toml"
    for _ in range(2):
        command = (await first_start(world.registry, file)).sign_in_command
        assert command.endswith(" signin-link admin-2")
    running = await world.registry.administration.accounts.list_administrators(by=OPERATOR)
    assert [each.name for each in running] == ["admin-2", "ann"]


async def test_the_operator_can_always_create_an_administrator(world: World) -> None:
    await dismissed(world)
    made = await world.registry.identity.accounts.create_administrator("root", by=OPERATOR)
    appointed = await world.registry.administration.administrators.appoint(
        world.people.bob.account, by=OPERATOR
    )
    assert (made.administrator, appointed.administrator) == (True, True)


def test_a_second_start_leaves_the_token_and_updates_the_address(tmp_path: Path) -> None:
    prepare_data_folder(settings_of(tmp_path))
    first = token_in(tmp_path)
    prepare_data_folder(settings_of(tmp_path, "https://elsewhere.test"))
    assert token_in(tmp_path) == first
    assert "https://elsewhere.test" in (tmp_path / "Settings.toml").read_text("utf-8")


def test_the_token_of_a_settings_file_of_an_earlier_version_is_kept_if_it_works(
    tmp_path: Path,
) -> None:
    prepare_data_folder(settings_of(tmp_path))
    token = token_in(tmp_path)
    for stored in (token, "blr_local_gone"):
        (tmp_path / "Settings.toml").write_text(f'[central]\naccesstoken = "{stored}"\n')
        prepare_data_folder(settings_of(tmp_path))
        assert (token_in(tmp_path) == token) is (stored == token)
        assert asyncio.run(authenticates(tmp_path)) == "admin"


@pytest.mark.slow
async def test_processes_that_prepare_one_folder_at_once_make_one_administrator(
    tmp_path: Path,
) -> None:
    env = {"BALLROOM_DATA": str(tmp_path / "data"), "PATH": ""}
    command = [sys.executable, "-c", PREPARE_AT_ONCE]
    starting = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env)
    assert await starting.wait() == 0
    registry = build_registry(settings_of(tmp_path / "data"))
    people = await registry.administration.accounts.page("", 10, by=OPERATOR)
    names = [each.name for each in people.rows]
    await registry.close()
    assert names == ["admin"]
    assert await authenticates(tmp_path / "data") == "admin"


async def lose_search_index(world: World) -> Path:
    """Close the registry, and delete its search index; return its data folder."""
    data = world.registry.settings.data
    await world.registry.close()
    for file in data.glob("search.db*"):
        file.unlink()
    return data


async def test_a_lost_search_index_is_filled_again_by_the_next_start(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    data = await lose_search_index(world)
    await asyncio.to_thread(prepare_data_folder, settings_of(data))
    registry = build_registry(settings_of(data))
    found = await registry.packages.search.suggest("greet", by=OPERATOR)
    await registry.close()
    assert [each.name for each in found] == ["greet"]


@dataclass
class HurryingClock(FakeClock):
    """Lets an hour pass each time it is read: longer than any run of a task."""

    def now_ms(self) -> int:
        self.advance(timedelta(hours=1))
        return super().now_ms()


async def test_a_start_that_takes_longer_than_a_task_fills_the_search_index_whole(
    world: World,
) -> None:
    for name in ("alder", "birch", "cedar"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    data = await lose_search_index(world)
    settings = settings_of(data)
    with prepared_stores(settings):
        adapters = embedded_adapters(settings, HurryingClock())
        registry = build_registry(settings, adapters)
        await first_start(registry, data / "Settings.toml")
        found = await registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)
        await registry.close()
    names = [hit.listing.head.name for hit in found.hits]
    assert sorted(names) == ["alder", "birch", "cedar"]


@dataclass
class InterruptedSearch:
    """A search index that is filled with up to so many packages, and then ends its process."""

    index: SearchIndex
    most: float
    filled: list[str] = field(default_factory=list[str])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)

    async def fill(self, listings: Sequence[Listing], until: str | None) -> None:
        if len(self.filled) >= self.most:
            raise asyncio.CancelledError
        self.filled += [each.head.name for each in listings]
        await self.index.fill(listings, until)


async def start_over(settings: Settings, most: float = math.inf) -> tuple[list[str], list[str]]:
    """Start over a search index that is filled with up to so many packages; return those that were
    filled in, and those that are found."""
    with prepared_stores(settings):
        adapters = embedded_adapters(settings)
        search = InterruptedSearch(adapters.search, most)
        registry = build_registry(settings, replace(adapters, search=cast("SearchIndex", search)))
        with suppress(asyncio.CancelledError):
            await first_start(registry, settings.data / "Settings.toml")
        found = await registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)
        await registry.close()
    return search.filled, sorted(hit.listing.head.name for hit in found.hits)


@pytest.mark.parametrize("interrupted_after", [0, 1, 2, 3])
async def test_filling_of_the_search_index_goes_on_where_a_start_was_interrupted(
    world: World, monkeypatch: pytest.MonkeyPatch, interrupted_after: int
) -> None:
    monkeypatch.setattr(derived_data, "PACKAGES_LISTED_AT_ONCE", 1)
    names = ["alder", "birch", "cedar"]
    for name in names:
        await world.push(bala(f"acme/{name}:1.0.0"))
    data = await lose_search_index(world)
    first = names[:interrupted_after]
    assert await start_over(settings_of(data), interrupted_after) == (first, first)
    assert await start_over(settings_of(data)) == (names[interrupted_after:], names)
    assert await start_over(settings_of(data)) == ([], names)


@dataclass
class CountedFinds:
    """Records of packages, and how many releases were read at the same time at most."""

    metadata: MetadataStore
    running: int = 0
    most: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.metadata, name)

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        found = await self.metadata.find(coordinate)
        self.running -= 1
        return found


async def test_filling_reads_a_bounded_number_of_releases_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alder", "birch", "cedar"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    monkeypatch.setattr(derived_data, "LISTINGS_READ_AT_ONCE", 2)
    finds = CountedFinds(world.stores.metadata)
    deriving = world.registry.packages.derived_data
    await replace(deriving, metadata=cast("MetadataStore", finds)).fill_search()
    assert finds.most == 2


async def test_an_index_that_was_lost_is_filled_although_a_package_is_in_it_again(
    world: World,
) -> None:
    for name in ("alder", "birch"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    data = await lose_search_index(world)
    settings = settings_of(data)
    with prepared_stores(settings):
        registry = build_registry(settings)
        await registry.packages.derived_data.update_search(Package.parse("acme", "birch"))
        await registry.close()
    assert await start_over(settings) == (["alder", "birch"], ["alder", "birch"])


async def test_a_damaged_search_index_is_moved_away_and_made_again(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    data = world.registry.settings.data
    await world.registry.close()
    for file in data.glob("search.db-*"):
        file.unlink()
    (data / "search.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(DatabaseDamaged, match=r"move search\.db away, and start"):
        await asyncio.to_thread(prepare_data_folder, settings_of(data))
    (data / "search.db").rename(data / "away.db")
    await asyncio.to_thread(prepare_data_folder, settings_of(data))
    registry = build_registry(settings_of(data))
    found = await registry.packages.search.suggest("greet", by=OPERATOR)
    await registry.close()
    assert [each.name for each in found] == ["greet"]


async def test_a_registry_in_read_only_mode_suggests_no_push(world: World) -> None:
    file = world.registry.settings.data / "Settings.toml"
    notices = world.registry.limits.notices
    await notices.enter_read_only_mode("it serves a bundle", by=OPERATOR)
    message = str(await first_start(world.registry, file))
    assert "Push the sample package" not in message
    assert "read-only mode: it serves a bundle. Packages are found and pulled" in message
    assert " read-only off" in message
    await notices.leave_read_only_mode(by=OPERATOR)
    assert "Push the sample package" in str(await first_start(world.registry, file))
