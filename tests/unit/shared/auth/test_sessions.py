"""Sessions: recognized by a secret that changes, and worth nothing once they are ended."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.auth.cookies import Cookie
from shared.auth.secrets import Secret
from shared.auth.sessions import SessionAuthentication
from shared.auth.signing_keys import KeyRing
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import Busy
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.sessions import SECRET_GRACE, SECRET_ROTATION, Session
from shared.domain.sign_in import SignInPurpose
from shared.domain.staff import Staff, parse_staff_sources
from shared.domain.tokens import hash_secret
from tests.fakes.services import NoGroups
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault

KEYS = KeyRing((Secret("k" * 32),))
ACCOUNT = "ann0000000"
ID = "session00000"
URL = "https://registry.test"
SECOND = timedelta(seconds=1)


class SessionsSetup:
    """Sessions over a directory, and one browser of Ann's."""

    def __init__(self, url: str = URL, *, require_strong: bool = False, staff: str = "") -> None:
        """Sign Ann in."""
        self.staff = Staff(parse_staff_sources(staff), reads_groups=False)
        self.clock = FakeClock()
        self.directory = FakeDirectory()
        self.copies: list[str] = []
        self.delayed: list[Refusal] = []
        self.randomness = FakeRandomness("sessions")
        self.require_strong = require_strong
        self.url = url
        self.sessions = self.process()
        secret = self.sessions.new_secret()
        now_ms = self.clock.now_ms()
        self.directory = FakeDirectory.holding(
            Account(id=ACCOUNT, name="ann", created_ms=0),
            Session(
                id=ID,
                account=ACCOUNT,
                provider="link",
                created_ms=now_ms,
                seen_ms=now_ms,
                expires_ms=now_ms + timedelta(days=14) // timedelta(milliseconds=1),
                idle_ms=timedelta(hours=24) // timedelta(milliseconds=1),
                signed_in_ms=now_ms,
                secrets=(hash_secret(secret.reveal()),),
            ),
        )
        self.sessions = self.process()
        self.cookie = self.sessions.session_cookie(self.stored, secret).reveal().partition(";")[0]

    def process(self) -> SessionAuthentication:
        """Return the sessions as another process sees them."""
        return SessionAuthentication(
            self.directory,
            keys=KEYS,
            clock=self.clock,
            randomness=self.randomness,
            cookie=Cookie.named("ballroom", self.url),
            require_strong=self.require_strong,
            staff=self.staff,
            on_copied_cookie=self._copied,
            rights=NoGroups(),
            on_delay=self.delayed.append,
        )

    @property
    def stored(self) -> Session:
        [session] = self.directory.every(Session)
        return session

    async def ask(
        self, cookie: str = "", sessions: SessionAuthentication | None = None
    ) -> Principal:
        """Send a request with a cookie; the browser keeps what comes back."""
        headers = {"cookie": cookie or self.cookie}
        found = await (sessions or self.sessions).authenticate(headers)
        if found.new_cookie is not None and not cookie:
            self.cookie = found.new_cookie.reveal().partition(";")[0]
        return found.principal

    async def rotate(self) -> str:
        """Let the browser get another secret; return the cookie that it had before."""
        await self.ask()
        before = self.cookie
        self.clock.advance(SECRET_ROTATION)
        await self.ask()
        return before

    async def _copied(self, session: Session) -> None:
        self.copies.append(session.id)
        await self.directory.remove(session)


@pytest.fixture
def setup() -> SessionsSetup:
    """Return sessions of the test's own."""
    return SessionsSetup()


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: cookie[:-1] + ("a" if cookie[-1] != "a" else "b"),
        lambda cookie: cookie.replace(ACCOUNT, "bob0000000"),
        lambda cookie: cookie.replace(ID, "session00001"),
        lambda cookie: cookie.replace("__Host-ballroom", "ballroom-local"),
        lambda cookie: cookie.replace(".", ":"),
        lambda cookie: cookie + "x",
        lambda _: "__Host-ballroom=",
        lambda _: "__Host-ballroom=" + "x" * 10_000,
    ],
    ids=["secret", "account", "session", "name", "form", "longer", "empty", "huge"],
)
async def test_any_other_cookie_is_nobodys(
    setup: SessionsSetup, change: Callable[[str], str]
) -> None:
    for _ in range(2):  # Also while the session is in the cache.
        assert await setup.ask(change(setup.cookie)) is ANONYMOUS
        assert (await setup.ask()).id == ACCOUNT


async def test_a_session_of_somebody_who_is_no_staff_is_that_of_a_guest(
    setup: SessionsSetup,
) -> None:
    guest = await SessionsSetup(staff="@example.org").ask()
    assert ((await setup.ask()).is_guest, guest.is_guest) == (False, True)


async def test_the_cookies_of_other_programs_are_passed_over(setup: SessionsSetup) -> None:
    cookie = f'other="a;b"; =; {setup.cookie}; last'
    assert (await setup.ask(cookie)).id == ACCOUNT


def test_a_cookie_that_was_sent_is_deleted_unless_another_site_sent_it(
    setup: SessionsSetup,
) -> None:
    sent = {"cookie": setup.cookie}
    elsewhere = {"origin": "https://evil.test"}
    assert setup.sessions.should_delete_cookie(sent)
    assert not setup.sessions.should_delete_cookie({"cookie": "other=1"})
    assert not setup.sessions.should_delete_cookie({})
    assert not setup.sessions.should_delete_cookie(sent | elsewhere)


@pytest.mark.parametrize("set_back", [timedelta(), timedelta(hours=1)])
async def test_an_ended_session_is_refused_within_three_seconds(
    setup: SessionsSetup, set_back: timedelta
) -> None:
    await setup.ask()
    await setup.ask()
    await setup.directory.remove(setup.stored)
    setup.clock.step(-set_back)
    setup.clock.advance(3 * SECOND)
    assert await setup.ask() is ANONYMOUS


async def test_an_unused_session_ends(setup: SessionsSetup) -> None:
    setup.clock.advance(timedelta(hours=24) - SECOND)
    assert (await setup.ask()).id == ACCOUNT
    setup.clock.advance(timedelta(hours=24))
    assert await setup.ask() is ANONYMOUS


async def test_the_busiest_session_ends_at_last(setup: SessionsSetup) -> None:
    for _ in range(14 * 2 - 1):
        setup.clock.advance(timedelta(hours=12))
        assert (await setup.ask()).id == ACCOUNT
    setup.clock.advance(timedelta(hours=12))
    assert await setup.ask() is ANONYMOUS


async def test_the_secret_changes_while_the_session_is_used(setup: SessionsSetup) -> None:
    before = await setup.rotate()
    assert setup.cookie != before
    assert (await setup.ask()).id == ACCOUNT
    assert setup.stored.seen_ms == setup.clock.now_ms()


async def test_requests_that_were_on_their_way_are_answered(setup: SessionsSetup) -> None:
    before = await setup.rotate()
    await setup.ask()
    setup.clock.advance(SECRET_GRACE - SECOND)
    assert (await setup.ask(before)).id == ACCOUNT
    assert (await setup.ask(before, setup.process())).id == ACCOUNT


async def test_a_copied_cookie_ends_the_session_for_both(setup: SessionsSetup) -> None:
    stolen = await setup.rotate()
    await setup.ask()
    setup.clock.advance(SECRET_GRACE)
    assert await setup.ask(stolen) is ANONYMOUS
    assert setup.copies == [ID]
    assert await setup.ask() is ANONYMOUS


async def test_a_copied_cookie_ends_the_session_after_the_clock_was_set_back(
    setup: SessionsSetup,
) -> None:
    stolen = await setup.rotate()
    await setup.ask()
    setup.clock.advance(-timedelta(seconds=30))  # The clocks of two instances.
    assert (await setup.ask(stolen)).id == ACCOUNT
    setup.clock.advance(-timedelta(hours=1))
    assert await setup.ask(stolen) is ANONYMOUS
    assert setup.copies == [ID]


async def test_the_secret_changes_after_the_clock_was_set_back(setup: SessionsSetup) -> None:
    await setup.rotate()
    await setup.ask()
    before = setup.cookie
    setup.clock.advance(-timedelta(days=1))
    assert (await setup.ask()).id == ACCOUNT
    assert setup.cookie != before
    assert setup.stored.seen_ms == setup.clock.now_ms()


async def test_a_thief_who_comes_first_is_found_when_the_owner_comes_back(
    setup: SessionsSetup,
) -> None:
    owners = await setup.rotate()  # The thief has the new secret now,
    await setup.ask()  # and uses it.
    setup.clock.advance(SECRET_GRACE)
    assert await setup.ask(owners) is ANONYMOUS
    assert await setup.ask() is ANONYMOUS


async def test_an_answer_that_is_lost_signs_nobody_out(setup: SessionsSetup) -> None:
    before = await setup.rotate()
    setup.cookie = before  # The browser never got the new one.
    setup.clock.advance(timedelta(hours=1))
    assert (await setup.ask()).id == ACCOUNT
    assert setup.cookie != before
    assert (await setup.ask()).id == ACCOUNT
    assert setup.copies == []


async def test_another_process_takes_the_new_secret_at_once(setup: SessionsSetup) -> None:
    other = setup.process()
    setup.clock.advance(SECRET_ROTATION - SECOND)
    before = setup.cookie
    await setup.ask(before, other)  # Which keeps the session with this secret for three seconds.
    setup.clock.advance(SECOND)
    await setup.ask()
    assert setup.cookie != before
    assert (await setup.ask(setup.cookie, other)).id == ACCOUNT


async def test_a_store_that_is_busy_delays_only_the_new_secret(setup: SessionsSetup) -> None:
    await setup.ask()
    before = setup.cookie
    setup.clock.advance(SECRET_ROTATION)

    setup.directory = Fault("replace", Busy()).over(setup.directory)
    assert (await setup.ask(sessions=setup.process())).id == ACCOUNT
    assert setup.cookie == before
    assert [type(each) for each in setup.delayed] == [Busy]


async def test_a_ticket_is_valid_for_its_purpose_only(setup: SessionsSetup) -> None:
    ann = await setup.ask()
    ticket = setup.sessions.ticket(ann, SignInPurpose.LINK)
    assert setup.sessions.is_ticket_valid(ann, SignInPurpose.LINK, ticket)
    assert not setup.sessions.is_ticket_valid(ann, SignInPurpose.AGAIN, ticket)
    assert not setup.sessions.is_csrf_token_valid(ann, ticket)
