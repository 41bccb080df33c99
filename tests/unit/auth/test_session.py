"""Signed-in browsers."""

from datetime import timedelta

import pytest

from shared.auth.keys import KeyRing
from shared.auth.secret import Secret
from shared.auth.session import LINK_LIFETIME, SESSION_LIFETIME, Sessions, SignInLinks
from shared.domain.errors import InvalidRequest, LinkExpired
from shared.domain.identity import ANONYMOUS
from shared.domain.names import Package
from shared.domain.rights import Scope
from tests.fakes.clock import FakeClock
from tests.fakes.randomness import FakeRandomness
from tests.fakes.work import FakeWork

KEYS = KeyRing((Secret("k" * 32),))
HTTPS = "https://packages.example.org"
LOCAL = "http://127.0.0.1:7071"
ID = "0123456789"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sessions(clock: FakeClock) -> Sessions:
    return Sessions(KEYS, clock, HTTPS)


def returned(set_cookie: Secret) -> dict[str, str]:
    """Return the header that a browser sends after it was told to keep a cookie."""
    return {"cookie": set_cookie.reveal().partition(";")[0]}


def test_the_cookie_tells_who_is_signed_in(sessions: Sessions) -> None:
    principal = sessions.principal(returned(sessions.cookie(ID)))
    assert (principal.id, principal.credential) == (ID, "session")
    assert principal.may_use(Scope.MANAGE, Package.parse("acme", "greet"))


def test_the_cookie_ends_by_itself(sessions: Sessions, clock: FakeClock) -> None:
    headers = returned(sessions.cookie(ID))
    clock.advance(SESSION_LIFETIME - timedelta(milliseconds=1))
    assert sessions.principal(headers).id == ID
    clock.advance(timedelta(milliseconds=1))
    assert sessions.principal(headers) is ANONYMOUS


@pytest.mark.parametrize(
    ("old", "new"), [(ID, "9876543210"), (".1", ".9"), ("__Host-ballroom=", "__Host-ballroom=x")]
)
def test_a_changed_cookie_signs_nobody_in(sessions: Sessions, old: str, new: str) -> None:
    sent = returned(sessions.cookie(ID))["cookie"]
    assert sent != sent.replace(old, new, 1)
    assert sessions.principal({"cookie": sent.replace(old, new, 1)}) is ANONYMOUS


@pytest.mark.parametrize(
    "cookie", ["", ";;=", "__Host-ballroom", "__Host-ballroom=a.b.c", "__Host-ballroom=a.1.ü"]
)
def test_a_cookie_that_is_none_signs_nobody_in(sessions: Sessions, cookie: str) -> None:
    assert sessions.principal({"cookie": cookie}) is ANONYMOUS


def test_a_request_without_cookies_is_anonymous(sessions: Sessions) -> None:
    assert sessions.principal({}) is ANONYMOUS


def test_cookies_of_other_programs_do_not_matter(clock: FakeClock) -> None:
    local = Sessions(KEYS, clock, LOCAL)
    mine = returned(local.cookie(ID))["cookie"]
    assert local.principal({"cookie": f'a[]="x; {mine}; b={{}}'}).id == ID


def test_a_cookie_of_another_registry_signs_nobody_in(sessions: Sessions, clock: FakeClock) -> None:
    other = Sessions(KeyRing((Secret("x" * 32),)), clock, HTTPS)
    assert sessions.principal(returned(other.cookie(ID))) is ANONYMOUS


def test_on_https_the_cookie_stays_on_its_host_and_out_of_scripts(sessions: Sessions) -> None:
    name, *attributes = sessions.cookie(ID).reveal().split("; ")
    assert name.startswith("__Host-ballroom=")
    assert set(attributes) == {"Max-Age=43200", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"}


@pytest.mark.parametrize(
    "url", [LOCAL, "http://localhost:7071", "http://[::1]:7071", "http://127.1.2.3"]
)
def test_on_plain_http_of_this_machine_the_cookie_has_another_name(
    clock: FakeClock, url: str
) -> None:
    sessions = Sessions(KEYS, clock, url)
    cookie = sessions.cookie(ID)
    assert cookie.reveal().startswith("ballroom-local=")
    assert "Secure" not in cookie.reveal()
    assert sessions.principal(returned(cookie)).id == ID


@pytest.mark.parametrize(
    "url", ["http://packages.example.org", "http://10.0.0.1:7071", "http://localhost.example.org"]
)
def test_on_plain_http_elsewhere_nobody_signs_in(clock: FakeClock, url: str) -> None:
    with pytest.raises(InvalidRequest, match="needs https"):
        Sessions(KEYS, clock, url).cookie(ID)


def test_signing_out_takes_the_cookie_back(sessions: Sessions) -> None:
    assert sessions.farewell().startswith("__Host-ballroom=; Max-Age=0; Path=/; HttpOnly")


@pytest.fixture
def work() -> FakeWork:
    return FakeWork()


@pytest.fixture
def links(work: FakeWork, clock: FakeClock) -> SignInLinks:
    return SignInLinks(work, clock, FakeRandomness(), base_url=HTTPS)


def code_of(link: Secret) -> str:
    return link.reveal().removeprefix(f"{HTTPS}/sign-in/link/")


async def test_a_link_signs_in_once(links: SignInLinks) -> None:
    code = code_of(await links.create(ID))
    assert await links.redeem(code) == ID
    with pytest.raises(LinkExpired):
        await links.redeem(code)


async def test_a_link_is_good_for_an_hour(links: SignInLinks, clock: FakeClock) -> None:
    code = code_of(await links.create(ID))
    clock.advance(LINK_LIFETIME)
    with pytest.raises(LinkExpired):
        await links.redeem(code)


async def test_a_link_that_was_never_made_is_refused(links: SignInLinks) -> None:
    with pytest.raises(LinkExpired):
        await links.redeem("guess")


async def test_who_reads_the_store_cannot_sign_in(links: SignInLinks, work: FakeWork) -> None:
    code = code_of(await links.create(ID))
    assert len(code) == 32
    assert code not in str(work.values)
