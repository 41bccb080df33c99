"""Administrators write notices and turn the registry read-only; each change leaves its event."""

from dataclasses import dataclass, field

import pytest

from shared.auth.administration import Administration
from shared.domain.accounts import Account
from shared.domain.bulletin import Bulletin, Draft, Stage
from shared.domain.entity import Entity
from shared.domain.errors import InvalidRequest, NoticeNotFound, NotPermitted, SignInAgain
from shared.domain.identity import OPERATOR, Principal
from shared.domain.rights import Grant
from shared.services.announcing import Announcing
from shared.services.bulletins import Bulletins
from tests.fakes.clock import START_MS, FakeClock
from tests.fakes.directory import E, FakeDirectory
from tests.fakes.events import FakeEvents
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording

EVERYTHING = (Grant(),)
ADMIN = Principal("admin00000", "session", EVERYTHING, signed_in_ms=START_MS)
BY_TOKEN = Principal("admin00000", "token", EVERYTHING)
MEMBER = Principal("member0000", "session", EVERYTHING, signed_in_ms=START_MS)
DAY = 86_400_000


class Racing(FakeDirectory):
    """A directory in which somebody else is faster, once."""

    is_raced = False

    async def add(self, entity: E, *others: Entity) -> E:
        """Add another bulletin first."""
        if not self.is_raced:
            self.is_raced = True
            await super().add(Bulletin())
        return await super().add(entity, *others)


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
        self.bulletins = Bulletins(self.directory, self.clock)
        self.announcing = Announcing(
            administration=Administration(self.directory, self.clock),
            directory=self.directory,
            recording=recording(self.directory, self.events, self.clock),
            bulletins=self.bulletins,
            clock=self.clock,
            randomness=FakeRandomness("notices"),
        )

    def draft(self, text: str = "Hello.") -> Draft:
        return Draft.parse(text, "warning", span=("", ""), now_ms=self.clock.now_ms())

    async def texts(self) -> list[str]:
        current = await self.bulletins.current()
        return [each.text for each in current.announcements(self.clock.now_ms())]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_notice_is_shown_at_once_and_leaves_an_event(scene: Scene) -> None:
    assert await scene.texts() == []
    notice = await scene.announcing.announce(scene.draft(), by=ADMIN)
    assert await scene.texts() == ["Hello."]
    [event] = scene.events.feed
    assert (event.kind, event.subject, event.actor) == ("notice.announced", notice.id, ADMIN.id)


async def test_notices_are_changed_and_ended(scene: Scene) -> None:
    first = await scene.announcing.announce(scene.draft("One."), by=ADMIN)
    second = await scene.announcing.announce(scene.draft("Two."), by=OPERATOR)
    until_ms = scene.clock.now_ms() + DAY
    await scene.announcing.extend(first.id, until_ms, by=ADMIN)
    await scene.announcing.end(second.id, by=ADMIN)
    assert await scene.texts() == ["One."]
    bulletin = await scene.announcing.bulletin(by=BY_TOKEN)
    now_ms = scene.clock.now_ms()
    assert bulletin.open_notice(first.id, now_ms).until_ms == until_ms
    assert [each.id for each in bulletin.at_stage(Stage.ENDED, now_ms)] == [second.id]
    kinds = [event.kind for event in scene.events.feed]
    assert kinds == ["notice.announced", "notice.announced", "notice.changed", "notice.ended"]


async def test_what_is_not_there_is_not_ended_and_leaves_no_event(scene: Scene) -> None:
    with pytest.raises(NoticeNotFound):
        await scene.announcing.end("nothing", by=ADMIN)
    assert scene.events.feed == []


async def test_read_only_begins_keeps_its_beginning_and_ends(scene: Scene) -> None:
    begun = await scene.announcing.refuse_changes("moving house until 22:00.", by=ADMIN)
    assert begun.reason == "moving house until 22:00"
    scene.clock.at_ms += 1_000
    await scene.announcing.refuse_changes("moving house until 23:00", by=OPERATOR)
    read_only = (await scene.bulletins.current()).read_only
    assert read_only is not None
    assert (read_only.reason, read_only.since_ms) == ("moving house until 23:00", begun.since_ms)
    await scene.announcing.take_changes(by=OPERATOR)
    await scene.announcing.take_changes(by=OPERATOR)
    assert await scene.texts() == []
    kinds = [event.kind for event in scene.events.feed]
    assert kinds == ["registry.read-only", "registry.read-only", "registry.writable"]


async def test_a_reason_is_needed(scene: Scene) -> None:
    with pytest.raises(InvalidRequest):
        await scene.announcing.refuse_changes(" ", by=OPERATOR)


@pytest.mark.parametrize(("who", "refusal"), [(MEMBER, NotPermitted), (BY_TOKEN, SignInAgain)])
async def test_only_administrators_who_just_signed_in_change_any_of_it(
    scene: Scene, who: Principal, refusal: type[Exception]
) -> None:
    for attempt in (
        scene.announcing.announce(scene.draft(), by=who),
        scene.announcing.extend("x", 0, by=who),
        scene.announcing.end("x", by=who),
        scene.announcing.refuse_changes("x", by=who),
        scene.announcing.take_changes(by=who),
    ):
        with pytest.raises(refusal):
            await attempt
    assert scene.directory.every(Bulletin) == []


async def test_members_do_not_look_behind_it(scene: Scene) -> None:
    with pytest.raises(NotPermitted):
        await scene.announcing.bulletin(by=MEMBER)


async def test_of_two_first_ones_none_is_lost() -> None:
    scene = Scene(Racing())
    await scene.announcing.announce(scene.draft(), by=OPERATOR)
    assert await scene.texts() == ["Hello."]


async def test_events_of_notices_and_of_read_only_say_what_was_changed(scene: Scene) -> None:
    notice = await scene.announcing.announce(scene.draft(), by=ADMIN)
    until_ms = scene.clock.now_ms() + DAY
    await scene.announcing.extend(notice.id, until_ms, by=ADMIN)
    await scene.announcing.end(notice.id, by=ADMIN)
    await scene.announcing.refuse_changes("moving house", by=ADMIN)
    await scene.announcing.take_changes(by=ADMIN)
    told = [(each.kind, each.subject, each.actor, each.details) for each in scene.events.feed]
    assert told == [
        ("notice.announced", notice.id, ADMIN.id, {"text": "Hello."}),
        ("notice.changed", notice.id, ADMIN.id, {"until-ms": str(until_ms)}),
        ("notice.ended", notice.id, ADMIN.id, {}),
        ("registry.read-only", "registry", ADMIN.id, {"reason": "moving house"}),
        ("registry.writable", "registry", ADMIN.id, {}),
    ]


async def test_a_refusal_names_what_was_to_be_done_with_what(scene: Scene) -> None:
    draft, service = scene.draft(), scene.announcing
    looked = "look at notices of the registry"
    notices = "change notices of the registry"
    changes = "change whether the registry takes changes"
    for by, refusal, begin in (
        (MEMBER, NotPermitted, "You may not"),
        (BY_TOKEN, SignInAgain, "To"),
    ):
        for what, attempt in (
            (notices, service.announce(draft, by=by)),
            (notices, service.extend("any", DAY, by=by)),
            (notices, service.end("any", by=by)),
            (changes, service.refuse_changes("moving house", by=by)),
            (changes, service.take_changes(by=by)),
        ):
            with pytest.raises(refusal, match=f"^{begin} {what}[:,] "):
                await attempt
    with pytest.raises(NotPermitted, match=f"^You may not {looked}: "):
        await service.bulletin(by=MEMBER)
