"""The clients against the registry as it is started, with one worker and with several."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.build import build_registry
from tests.protocol.bal.okhttp import FORM, multipart
from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.registry_process import RegistryProcess, fresh_connections, running_registry
from tests.support.storage import one_machine
from tests.support.waiting import BOUND_SECONDS
from tests.support.world import settings_of

pytestmark = [
    pytest.mark.slow,
    one_machine("processes share a data folder; tests/in_the_cloud starts those of the cloud"),
]

RACERS = 12
WORKERS = 2
LOOKS = 16  # Fresh connections: enough that each worker most likely answers one.
READERS = 9  # Connections that stay open, each with the worker that took it.
DOCUMENTED_IN_SECONDS = 10.0  # It takes a fifth of a second on a machine that does nothing else.
DOCUMENTS = (
    "/2.0/maven/acme/greet/maven-metadata.xml",
    "/2.0/maven/v2201-13-0/acme/greet/maven-metadata.xml",
    "/2.0/registry/packages/acme/greet",
    "/index/acme/greet/index.json",
)


@pytest.fixture(scope="module", params=[1, WORKERS], ids=["one worker", "several workers"])
def registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[RegistryProcess]:
    """Return a running registry, which the tests of this file share."""
    folder = tmp_path_factory.mktemp("served") / "data"
    # Races are run to the end here; by default a process turns away the fifth archive at once.
    in_hand = str(2 * RACERS)
    with running_registry(
        folder, workers=request.param, BALLROOM_MAX_ARCHIVES_IN_HAND=in_hand
    ) as served:
        yield served


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    """Return a client whose every request may reach another worker."""
    async with fresh_connections() as client:
        yield client


async def test_a_package_is_pushed_resolved_and_pulled(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    admin = registry.java(http)
    reader = registry.java(http, token="")
    coordinate = "acme/way:1.0.0"
    archive = bala("acme/way:1.0.0", padding=300_000)
    await admin.push(coordinate, archive)
    assert await reader.versions("acme/way") == ["1.0.0"]
    assert (await reader.pull(coordinate)).content == archive
    assert (await registry.go(http, token="").pull("acme/way")).content == archive
    assert (await admin.pull_for_every_platform(coordinate)).content == archive
    assert (await reader.search("acme/way"))["packages"][0]["name"] == "way"
    request = {"org": "acme", "name": "way", "version": "1.0.0", "mode": "soft"}
    assert len((await reader.resolve_dependencies([request]))["resolved"]) == 1
    assert len((await registry.go(http).resolve_dependencies([request]))["resolved"]) == 1
    await admin.deprecate(coordinate, 'Use "acme/other",\nplease.')
    assert (await reader.metadata(coordinate))["deprecateMessage"] == 'Use "acme/other", please.'
    await admin.undeprecate(coordinate)
    assert reader.printed == []


async def test_a_pushed_release_is_served_by_every_process_at_once(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    admin = registry.java(http)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await admin.push(f"acme/fresh:{version}", bala(f"acme/fresh:{version}"))
        seen = await asyncio.gather(*(admin.metadata("acme/fresh:*") for _ in range(LOOKS)))
        assert {each["version"] for each in seen} == {version}
        found = await asyncio.gather(*(admin.search("acme/fresh") for _ in range(LOOKS)))
        assert {each["packages"][0]["version"] for each in found} == {version}


@pytest.mark.parametrize("registry", [WORKERS], indirect=True, ids=["several workers"])
async def test_no_process_repeats_an_answer_from_before_a_push(registry: RegistryProcess) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=registry.url, timeout=BOUND_SECONDS))
            for _ in range(READERS)
        ]
        for number in range(8):
            version = f"1.{number}.0"
            coordinate = f"acme/greet:{version}"
            async with httpx.AsyncClient(timeout=BOUND_SECONDS) as http:
                await registry.java(http).send_archive(coordinate, bala(coordinate))
            for client in clients:
                for path in DOCUMENTS:
                    for _ in range(2):  # The second answer is a repeat.
                        assert version in client.get(path).text, path


async def test_a_pushed_package_is_documented_within_seconds(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    coordinate = "acme/docs:1.0.0"
    await registry.java(http).push(coordinate, documented_bala(coordinate))
    connectors = f"{registry.base}/connectors"  # A list that makes no documentation.
    began = time.monotonic()
    while not (await http.get(connectors)).json()["count"]:
        assert time.monotonic() - began < DOCUMENTED_IN_SECONDS
        await asyncio.sleep(0.05)
    answer = await http.get(f"{registry.url}/2.0/docs/acme/docs/1.0.0")
    assert answer.json()["docsData"]["modules"][0]["clients"]


async def test_exactly_one_of_racing_pushes_wins(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    archives = [bala("acme/race:1.0.0", summary=f"Racer {n}.") for n in range(RACERS)]
    answers = await asyncio.gather(*(upload(registry, http, each) for each in archives))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204] + [400] * (RACERS - 1)
    [winner] = [a for a, answer in zip(archives, answers, strict=True) if answer.status_code == 204]
    for answer in answers:
        if answer.status_code == 400:
            assert "package already exists: acme/race:1.0.0" in refused(answer, 400)
    digest = f"sha-256={hashlib.sha256(winner).hexdigest()}"
    reader = registry.java(http)
    seen = await asyncio.gather(*(reader.metadata("acme/race:1.0.0") for _ in range(LOOKS)))
    assert {each["digest"] for each in seen} == {digest}
    assert (await reader.pull("acme/race:1.0.0")).content == winner


async def test_every_one_of_repeated_pushes_succeeds(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    archive = bala("acme/again:1.0.0")
    answers = await asyncio.gather(*(upload(registry, http, archive) for _ in range(RACERS)))
    assert {answer.status_code for answer in answers} == {204}
    assert await registry.java(http).versions("acme/again") == ["1.0.0"]


async def test_one_of_two_spellings_of_a_racing_name_wins(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    archives = [bala("acme/twice:1.0.0"), bala("acme/Twice:1.0.1")] * 3
    await asyncio.gather(*(upload(registry, http, each) for each in archives))
    versions = await registry.java(http).versions("acme/twice")
    assert len(versions) == 1


async def test_many_pull_at_once(registry: RegistryProcess, http: httpx.AsyncClient) -> None:
    archive = bala("acme/popular:1.0.0", padding=2_000_000)
    await registry.java(http).push("acme/popular:1.0.0", archive)
    pulled = await asyncio.gather(
        *(registry.java(http, token="").pull("acme/popular") for _ in range(LOOKS))
    )
    assert {hashlib.sha256(each.content).digest() for each in pulled} == {
        hashlib.sha256(archive).digest()
    }


async def upload(
    registry: RegistryProcess, http: httpx.AsyncClient, archive: bytes
) -> httpx.Response:
    """Push as the administrator, without the look-up before it."""
    headers = {**FORM, "Authorization": f"Bearer {registry.token}"}
    form = multipart("x.bala", archive)
    return await http.post(f"{registry.base}/packages", headers=headers, content=form)


async def test_pulls_that_several_workers_counted_are_in_the_store_when_they_end(
    tmp_path: Path,
) -> None:
    with running_registry(tmp_path / "data", workers=2) as served:
        async with fresh_connections() as http:
            await served.java(http).push("acme/counted:1.0.0", bala("acme/counted:1.0.0"))
            await served.java(http, token="").pull_for_every_platform("acme/counted:1.0.0")
        assert served.stop() == 0
    settings = settings_of(tmp_path / "data")
    stores = embedded_adapters(settings)
    registry = build_registry(settings, stores)
    await registry.maintenance.task_runner.run("roll-up-pulls")
    [head] = await stores.metadata.packages("", 1)
    await registry.close()
    assert head.pulls == 1
