"""Administrators write notices and turn the registry read-only; each change leaves its event."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.entities import Entity, Place
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.notices import NoticeBoard, ReadOnlyState
from shared.domain.principals import OPERATOR, Principal
from shared.services.limits.notices import NOTICES_CACHED_FOR, NoticeCache, Notices
from tests.fakes.services import fake_audited_writer
from tests.fakes.stores import E, FakeDirectory, FakeEvents
from tests.fakes.system import START_MS, FakeClock
from tests.support.port_doubles import OtherWriter

EVERYTHING = (Grant(),)
READ_ONLY = NoticeBoard(read_only=ReadOnlyState(reason="moving house", since_ms=0))
ADMIN = Principal("admin00000", "session", EVERYTHING, signed_in_ms=START_MS)
MEMBER = Principal("member0000", "session", EVERYTHING, signed_in_ms=START_MS)


@dataclass
class Scene:
    """The service over doubles."""

    directory: FakeDirectory = field(default_factory=FakeDirectory)
    events: FakeEvents = field(default_factory=FakeEvents)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        for each in (
            Account(id=ADMIN.id, name="admin", administrator=True, created_ms=0),
            Account(id=MEMBER.id, name="member", created_ms=0),
        ):
            self.directory.entities[each.kind, each.place] = each
        self.notice_cache = NoticeCache(self.directory, self.clock)
        self.notices = Notices(
            registry_authorization=RegistryAuthorization(self.directory, self.clock),
            directory=self.directory,
            audited_writer=fake_audited_writer(self.directory, self.events, self.clock),
            notice_cache=self.notice_cache,
            clock=self.clock,
        )

    async def texts(self) -> list[str]:
        current = await self.notice_cache.current()
        return [each.text for each in current.banners]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_read_only_mode_begins_once_and_ends(scene: Scene) -> None:
    begun = await scene.notices.enter_read_only_mode("moving house until 22:00.", by=ADMIN)
    assert begun.reason == "moving house until 22:00"
    scene.clock.at_ms += 1_000
    await scene.notices.enter_read_only_mode("moving house until 23:00", by=OPERATOR)
    read_only = (await scene.notice_cache.current()).read_only
    assert read_only is not None
    assert (read_only.reason, read_only.since_ms) == ("moving house until 23:00", begun.since_ms)
    await scene.notices.leave_read_only_mode(by=OPERATOR)
    await scene.notices.leave_read_only_mode(by=OPERATOR)
    assert await scene.texts() == []
    changes = [(event.kind, dict(event.details)) for event in scene.events.feed]
    assert changes == [
        ("registry.read-only", {"reason": "moving house until 22:00"}),
        ("registry.read-only", {"reason": "moving house until 23:00"}),
        ("registry.writable", {}),
    ]


async def test_a_notice_is_published_while_another_process_adds_the_board() -> None:
    directory = FakeDirectory()
    other = OtherWriter("add", partial(directory.add, NoticeBoard()))
    scene = Scene(other.over(directory))
    await scene.notices.publish("Hello.", by=OPERATOR)
    assert other.has_acted
    assert await scene.texts() == ["Hello."]


LONG = timedelta(minutes=1)
NOT_AT_ALL = timedelta(0)


class Slow(FakeDirectory):
    """A directory that answers when it is told to, and may be away."""

    def __init__(self, *entities: Entity) -> None:
        super().__init__(FakeDirectory.holding(*entities).entities)
        self.answers = asyncio.Event()
        self.is_away = False

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return the entity when it is time."""
        self.calls.append("get")
        await self.answers.wait()
        if self.is_away:
            raise Busy
        return self._at(kind, place)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_one_read_serves_everybody_for_three_seconds(clock: FakeClock) -> None:
    directory = Slow(READ_ONLY)
    notice_cache = NoticeCache(directory, clock, LONG)
    asking = [asyncio.create_task(notice_cache.current()) for _ in range(20)]
    await asyncio.sleep(0)
    directory.answers.set()
    assert await asyncio.gather(*asking) == [READ_ONLY] * len(asking)
    await notice_cache.current()
    assert directory.calls == ["get"]
    assert notice_cache.read_ms == clock.now_ms()
    clock.step(timedelta(hours=-1))
    clock.advance(NOTICES_CACHED_FOR)
    await notice_cache.current()
    assert directory.calls == ["get", "get"]


async def test_closing_waits_for_no_store(clock: FakeClock) -> None:
    directory = Slow()
    notice_cache = NoticeCache(directory, clock, NOT_AT_ALL)
    await notice_cache.close()
    assert directory.calls == []
    await notice_cache.current()
    await notice_cache.close()
    assert directory.calls == ["get"]
