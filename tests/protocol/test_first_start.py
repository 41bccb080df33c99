"""The first start makes an administrator and a Settings.toml; every start finds them again."""

import asyncio
import sys
import tomllib
from pathlib import Path

from shared.bootstrap import build_registry
from shared.domain.identity import OPERATOR
from shared.localhost import prepare
from shared.settings import Settings
from tests.balas import bala
from tests.paths import ROOT
from tests.places import one_machine
from tests.world import World

pytestmark = one_machine("it prepares a data folder")

STARTERS = 4
PREPARE = """
from shared.localhost import prepare
from shared.settings import Settings
prepare(Settings.load())
"""


def settings_of(data: Path, url: str = "http://127.0.0.1:7071") -> Settings:
    return Settings(data=data, url=url, log_level="warning")


def token_in(data: Path) -> str:
    return str(tomllib.loads((data / "Settings.toml").read_text("utf-8"))["central"]["accesstoken"])


async def authenticates(data: Path) -> str:
    """Return the name of whom the token of Settings.toml belongs to."""
    registry = build_registry(settings_of(data))
    try:
        headers = {"authorization": f"Bearer {token_in(data)}"}
        caller = await registry.authentication.authenticate(headers)
        return (await registry.accounts.with_id(caller.id)).name
    finally:
        await registry.close()


def test_the_first_start_writes_a_token_that_works_for_its_owner_alone(tmp_path: Path) -> None:
    prepare(settings_of(tmp_path))
    assert (tmp_path / "Settings.toml").stat().st_mode & 0o777 == 0o600
    assert asyncio.run(authenticates(tmp_path)) == "admin"


def test_the_start_prints_what_a_person_needs_next(tmp_path: Path) -> None:
    printed = str(prepare(settings_of(tmp_path, "http://registry.test")))
    assert "http://registry.test" in printed
    assert str(tmp_path / "Settings.toml") in printed
    assert "http://registry.test/sign-in/link/" in printed
    assert "-F bala-file=@" in printed
    assert "Accept: application/octet-stream" in printed
    assert token_in(tmp_path) not in printed


def test_a_second_start_keeps_the_token_and_renews_the_address(tmp_path: Path) -> None:
    prepare(settings_of(tmp_path))
    first = token_in(tmp_path)
    prepare(settings_of(tmp_path, "https://elsewhere.test"))
    assert token_in(tmp_path) == first
    assert "https://elsewhere.test" in (tmp_path / "Settings.toml").read_text("utf-8")


def test_a_settings_file_without_a_working_token_gets_a_new_one(tmp_path: Path) -> None:
    prepare(settings_of(tmp_path))
    (tmp_path / "Settings.toml").write_text('[central]\naccesstoken = "blr_local_gone"\n')
    prepare(settings_of(tmp_path))
    assert asyncio.run(authenticates(tmp_path)) == "admin"


async def test_processes_that_prepare_one_folder_at_once_make_one_administrator(
    tmp_path: Path,
) -> None:
    env = {"BALLROOM_DATA": str(tmp_path / "data"), "PATH": ""}
    command = [sys.executable, "-c", PREPARE]
    starters = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env) for _ in range(STARTERS)
    ]
    assert [await each.wait() for each in starters] == [0] * STARTERS
    registry = build_registry(settings_of(tmp_path / "data"))
    people = await registry.supervising.page("", 10, by=OPERATOR)
    names = [each.name for each in people.rows]
    await registry.close()
    assert names == ["admin"]
    assert await authenticates(tmp_path / "data") == "admin"


async def test_a_lost_search_index_is_filled_again_by_the_next_start(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    data = world.registry.settings.data
    await world.registry.close()
    for file in data.glob("search.db*"):
        file.unlink()
    await asyncio.to_thread(prepare, settings_of(data))
    registry = build_registry(settings_of(data))
    found = await registry.searching.suggest("greet", by=OPERATOR)
    await registry.close()
    assert [each.name for each in found] == ["greet"]
