"""Four instances over stores that fail in every fifth call: an hour of pushes, decisions and reads.

A model says what has to be found, and what must not be. Each seed is another hour.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Unavailable
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.sampling import FULL
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance
from tests.support.cloud_stores import double_of
from tests.support.event_feed import check_stored_feed
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

INSTANCES = 4
STEPS = 60 if FULL else 16
HOUR = timedelta(hours=1)
FAILING = 0.2  # Of all calls of the database.
SEEDS = range(3) if FULL else range(1)
NAMES = ("one", "two", "three")
MOST_TRIES = 10
PULL = dict(ACCEPT_ARCHIVE)
NOT_FOUND = (401, 404)
WITHHELD = (*NOT_FOUND, 410)


@dataclass
class Faults:
    """Which calls fail."""

    chance: random.Random
    are_on: bool = False

    def __call__(self, _request: Request) -> Trouble | None:
        fails = self.are_on and self.chance.random() < FAILING
        return self.chance.choice(list(Trouble)) if fails else None


@dataclass
class Modelled:
    """What was answered of a package, and when it or a release was hidden, shown or changed."""

    is_public: bool = True
    hidden_ms: int = 0
    shown_ms: int = 0
    changed_ms: int = 0
    withheld_ms: dict[str, int | None] = field(default_factory=dict[str, int | None])  # By version.

    @property
    def live(self) -> list[str]:
        return [version for version, since in self.withheld_ms.items() if since is None]


@dataclass
class World:
    """The instances, and what the model knows."""

    instances: list[MeteredRegistry]
    chance: random.Random
    packages: dict[str, Modelled] = field(
        default_factory=lambda: {name: Modelled() for name in NAMES}
    )

    @property
    def now_ms(self) -> int:
        return self.instances[0].clock.now_ms()

    def any_instance(self) -> MeteredRegistry:
        return self.chance.choice(self.instances)

    async def step(self) -> None:
        """Change something while others read; then check what was changed."""
        name = self.chance.choice(NAMES)
        acts = (self.push, self.push, self.decide, self.change_visibility)
        act: Callable[[str], Awaitable[None]] = self.chance.choice(acts)
        readers = (self.read_anything() for _ in range(INSTANCES))
        await asyncio.gather(act(name), *readers)
        await self.check(name)
        self.advance(CHANGES_KNOWN_WITHIN)
        await self.check(name)
        self.advance((HOUR / STEPS) * self.chance.random() * 2)

    def advance(self, by: timedelta) -> None:
        self.instances[0].clock.advance(by)

    async def push(self, name: str) -> None:
        package = self.packages[name]
        by = self.any_instance()
        version = f"1.{len(package.withheld_ms)}.0"
        for _ in range(MOST_TRIES):
            answer = await by.send(f"acme/{name}:{version}")
            if answer.status_code != 503:
                assert answer.status_code == 204, answer.text
                break
        package.withheld_ms[version] = None
        package.changed_ms = self.now_ms

    async def decide(self, name: str) -> None:
        """Quarantine a release, or restore it."""
        package = self.packages[name]
        moderation = self.any_instance().registry.publishing.moderation
        if not package.withheld_ms:
            return
        version = self.chance.choice(list(package.withheld_ms))
        coordinate = Coordinate.parse("acme", name, version)
        if package.withheld_ms[version] is None:
            await answered(lambda: moderation.quarantine(coordinate, "Harmful.", by=OPERATOR))
            package.withheld_ms[version] = self.now_ms
        else:
            await answered(lambda: moderation.restore(coordinate, by=OPERATOR))
            package.withheld_ms[version] = None
            package.shown_ms = self.now_ms
        package.changed_ms = self.now_ms

    async def change_visibility(self, name: str) -> None:
        package = self.packages[name]
        visibility = self.any_instance().registry.packages.visibility
        if not package.withheld_ms:
            return
        wanted = Visibility.PRIVATE if package.is_public else Visibility.PUBLIC
        identity = Package.parse("acme", name)
        await answered(
            lambda: visibility.change(identity, wanted, by=OPERATOR, reason="It was decided.")
        )
        package.is_public = not package.is_public
        package.changed_ms = self.now_ms
        if package.is_public:
            package.shown_ms = self.now_ms
        else:
            package.hidden_ms = self.now_ms

    async def read_anything(self) -> None:
        """Read while something changes; any answer is right that is not broken."""
        name = self.chance.choice(NAMES)
        version = self.chance.choice(list(self.packages[name].withheld_ms) or ["1.0.0"])
        url, headers = self.chance.choice([*exact_reads(name, version), *package_reads(name)])
        answer = await self.any_instance().http.get(url, headers=headers)
        assert answer.status_code in (200, 302, 503, *WITHHELD), answer.text

    async def check(self, name: str) -> None:
        """Check on all instances what the model says of a package."""
        package = self.packages[name]
        versions = list(package.withheld_ms)
        chosen = {*versions[-1:], *self.chance.sample(versions, min(1, len(versions)))}
        checks = [self.check_release(each, name, v) for each in self.instances for v in chosen]
        if self.is_known(package.changed_ms):
            checks += [self._check_package(each, name) for each in self.instances]
        await asyncio.gather(*checks)

    def is_known(self, since_ms: int) -> bool:
        """Check whether every instance has to know of a change."""
        return timedelta(milliseconds=self.now_ms - since_ms) >= CHANGES_KNOWN_WITHIN

    async def check_release(self, at: MeteredRegistry, name: str, version: str) -> None:
        package = self.packages[name]
        withheld_ms = package.withheld_ms[version]
        if package.is_public and withheld_ms is None:
            # What is shown again may be hidden for a second; what was pushed is there at once.
            if self.is_known(package.shown_ms):
                answers = await read_all(at, exact_reads(name, version))
                assert all(each in (200, 302) for each in answers), f"lost: {name} {version}"
            return
        since = package.hidden_ms if not package.is_public else withheld_ms
        if since is not None and self.is_known(since):
            answers = await read_all(at, exact_reads(name, version))
            assert all(each in WITHHELD for each in answers), f"served: {name} {version}"

    async def _check_package(self, at: MeteredRegistry, name: str) -> None:
        package = self.packages[name]
        is_found = package.is_public and bool(package.live)
        answers = await read_all(at, package_reads(name))
        assert all((each in (200, 302)) == is_found for each in answers), name
        if package.is_public and package.live:
            listed = (await read(at, f"{BASE}/packages/acme/{name}", {})).json()
            assert sorted(listed) == sorted(package.live)


def exact_reads(name: str, version: str) -> list[tuple[str, dict[str, str]]]:
    """Return the requests for one version."""
    return [
        (f"{BASE}/packages/acme/{name}/{version}", PULL),
        (f"{BASE}/packages/acme/{name}/{version}", {}),
        (f"{MAVEN}/acme/{name}/{version}/{name}-{version}.pom", {}),
        (f"{URL}/packages/acme/{name}/{version}", {}),
    ]


def package_reads(name: str) -> list[tuple[str, dict[str, str]]]:
    """Return the requests for what a package has."""
    return [
        (f"{BASE}/packages/acme/{name}/*", PULL),
        (f"{BASE}/packages/acme/{name}", {}),
        (f"{URL}/index/acme/{name}/index.json", {}),
        (f"{MAVEN}/acme/{name}/maven-metadata.xml", {}),
    ]


async def read_all(at: MeteredRegistry, reads: list[tuple[str, dict[str, str]]]) -> list[int]:
    """Return the statuses of reads at the same time."""
    return [each.status_code for each in await asyncio.gather(*(read(at, *one) for one in reads))]


async def read(at: MeteredRegistry, url: str, headers: dict[str, str]) -> httpx.Response:
    """Read until there is an answer, as clients do."""
    for _ in range(MOST_TRIES):
        answer = await at.http.get(url, headers=headers)
        if answer.status_code != 503:
            return answer
    pytest.fail(f"There is no answer: {url}")


async def answered(change: Callable[[], Awaitable[object]]) -> None:
    """Repeat a change until it is answered."""
    for _ in range(MOST_TRIES):
        try:
            await change()
        except Unavailable:
            continue
        return
    pytest.fail("The change was never answered.")


@asynccontextmanager
async def world(folder: Path, seed: int) -> AsyncGenerator[World]:
    """Open the instances; calls fail from here on."""
    faults = Faults(random.Random(seed))  # noqa: S311 - the same each time.

    def failing(double: CosmosDouble) -> DoubleTransport:
        return DoubleTransport(double, faults)

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(metered(folder, failing))
        others = [
            await stack.enter_async_context(other_instance(first, failing))
            for _ in range(1, INSTANCES)
        ]
        faults.are_on = True
        yield World([first, *others], random.Random(seed))  # noqa: S311 - the same each time.
        faults.are_on = False


@pytest.mark.timeout(900)  # Nearly all of it is waiting between repeated calls.
@pytest.mark.parametrize("seed", SEEDS)
async def test_an_hour_of_faults_loses_nothing_and_shows_nothing_hidden(
    tmp_path: Path, seed: int
) -> None:
    async with world(tmp_path, seed) as hour:
        for _ in range(STEPS):
            await hour.step()
        hour.advance(CHANGES_KNOWN_WITHIN)
        for name, package in hour.packages.items():
            await hour.check(name)
            for version in package.withheld_ms:
                await asyncio.gather(
                    *(hour.check_release(each, name, version) for each in hour.instances)
                )
        check_stored_feed(double_of(tmp_path, hour.instances[0].clock))
