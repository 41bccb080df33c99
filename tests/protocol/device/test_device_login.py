"""A machine without a browser gets a token that a person approves (RFC 8628)."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.device_login import USER_CODE_LETTERS
from shared.domain.errors.requests import Busy
from shared.domain.principals import Principal
from shared.login import PUSH_SCOPES
from shared.ports.work import WorkStore
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.device_login import ASK, MACHINE, ask, decide, error, poll, poll_at_once
from tests.support.port_doubles import PortOutage
from tests.support.refusals import raises_refusal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry behind a proxy, which passes on where requests come from."""
    return await worlds(trusted_proxies="127.0.0.1")


async def approved(codes: dict[str, Any], browser: Browser) -> None:
    await decide(browser, codes, "approve")
    assert "is connected" in browser.text


async def test_the_codes_are_of_the_form_that_people_can_type(world: World) -> None:
    codes = await ask(world)
    left, right = codes["user_code"].split("-")
    assert len(left) == len(right) == 4
    assert set(left + right) <= set(USER_CODE_LETTERS)
    assert not set(USER_CODE_LETTERS) & set("AEIOU0123456789")
    assert (codes["verification_uri"], codes["expires_in"]) == (f"{URL}/device", 600)
    assert codes["interval"] == 5
    assert {type(codes[name]) for name in ("expires_in", "interval")} == {int}
    assert "verification_uri_complete" not in codes


@pytest.mark.parametrize(
    ("asked", "scopes"),
    [
        ("", ["read"]),
        ("push-version read", ["read", "push-version"]),
        (PUSH_SCOPES, ["read", "push-new", "push-version", "deprecate"]),
    ],
)
async def test_a_machine_that_is_approved_gets_a_token_for_what_it_asked(
    world: World, asked: str, scopes: list[str]
) -> None:
    codes = await ask(world, scope=asked)
    assert error(await poll(world, codes)) == "authorization_pending"
    await approved(codes, await signed_in(world, world.people.ann))
    answer = await poll(world, codes)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["account"]) == ("Bearer", "ann")
    assert given["scope"].split() == scopes
    assert given["expires_in"] == 90 * 86_400
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    who = (await world.get(f"{URL}/api/v1/whoami", headers=bearer)).json()
    assert who["name"] == "ann"
    assert who["grants"] == [{"scopes": scopes, "org": "*", "package": "*"}]


async def test_a_machine_whose_token_a_store_stopped_gets_it_at_the_next_poll(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"directory": ("add",)})
    world = await worlds(trusted_proxies="127.0.0.1", wrap=outage.wrap)
    codes = await ask(world)
    await approved(codes, await signed_in(world, world.people.ann))
    outage.lasts = True
    assert (await poll(world, codes)).status_code == 503
    outage.lasts = False
    assert (await poll(world, codes)).json()["account"] == "ann"
    assert error(await poll(world, codes)) == "expired_token"


async def test_the_token_is_named_after_the_machine_and_lives_ninety_days(world: World) -> None:
    codes = await ask(world, "  build\x1b[2J   box ")
    await approved(codes, await signed_in(world, world.people.ann))
    await poll(world, codes)
    ann = world.people.ann
    tokens = (await world.get(f"{URL}/api/v1/tokens", by=ann)).json()["tokens"]
    [token] = [each for each in tokens if each["name"] == "build [2J box"]
    assert token["expiresAt"][:10] == "2026-12-20"


async def test_whoever_approves_reads_whether_the_machine_publishes(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    for scope, sentence in (("", "The device cannot publish."), (PUSH_SCOPES, "can publish in")):
        await browser.open("/device")
        await browser.submit("/device", code=(await ask(world, scope=scope))["user_code"])
        assert sentence in browser.text


async def test_a_scope_that_no_machine_gets_is_refused(world: World) -> None:
    body = b"client_id=laptop&scope=read+manage"
    answer = await world.send("POST", ASK, headers=FORM, content=body)
    assert error(answer) == "invalid_scope"


async def test_json_is_read_as_well_as_a_form(world: World) -> None:
    answer = await world.send("POST", ASK, content=b'{"client_id": "laptop"}')
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"client_id=", b"client_id=" + b"x" * 201, b"%ff=%ff"])
async def test_a_form_that_says_nothing_is_refused(world: World, body: bytes) -> None:
    answer = await world.send("POST", ASK, headers=FORM, content=body)
    assert answer.status_code == 400
    assert error(answer) == "invalid_request"
    assert answer.json()["error_description"].endswith(".")


async def test_a_machine_that_polls_too_often_reads_slow_down(world: World) -> None:
    codes = await ask(world)
    assert error(await poll_at_once(world, codes)) == "authorization_pending"
    assert error(await poll_at_once(world, codes)) == "slow_down"
    assert error(await poll(world, codes)) == "authorization_pending"


async def test_a_machine_reads_once_that_it_was_refused(world: World) -> None:
    codes = await ask(world)
    browser = await signed_in(world, world.people.ann)
    await decide(browser, codes, "refuse")
    assert "was not connected" in browser.text
    assert error(await poll(world, codes)) == "access_denied"
    assert error(await poll(world, codes)) == "expired_token"


async def test_a_code_that_nobody_answers_ends_after_ten_minutes(world: World) -> None:
    codes = await ask(world)
    world.clock.advance(timedelta(minutes=10))
    assert error(await poll(world, codes)) == "expired_token"
    browser = await signed_in(world, world.people.ann, "/device")
    await browser.submit("/device", code=codes["user_code"])
    assert "No device is waiting with this code" in browser.text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"device_code": "guess"}, "expired_token"),
    ],
)
async def test_an_invalid_request_of_a_machine_is_refused_in_words_of_the_rfc(
    world: World, changes: dict[str, str], word: str
) -> None:
    assert error(await poll(world, await ask(world), **changes)) == word


async def test_a_code_may_be_typed_in_small_letters_with_a_space(world: World) -> None:
    codes = await ask(world)
    browser = await signed_in(world, world.people.ann, "/device")
    await browser.submit("/device", code=codes["user_code"].replace("-", " ").lower())
    assert f"<code>{codes['user_code']}</code>" in browser.text  # As the terminal shows it.


async def test_a_code_that_is_wrong_is_shown_again_with_what_is_wrong(world: World) -> None:
    browser = await signed_in(world, world.people.ann, "/device")
    answer = await browser.submit("/device", code='BCDF-"GHJ')
    assert answer.status_code == 404
    assert "No device is waiting with this code" in browser.text
    assert 'value="BCDF-&#34;GHJ"' in answer.text


async def test_the_log_of_the_account_says_what_was_approved_and_from_where(world: World) -> None:
    codes = await ask(world)
    ann = world.people.ann
    await approved(codes, await signed_in(world, ann))
    await poll(world, codes)
    events = await world.stores.events.stream(f"account:{ann.account.id}", None, 2)
    issued, decided = [event for _, event in events]
    assert (issued.kind, issued.credential) == ("token.issued", "device")
    assert (decided.kind, decided.address) == ("device.approved", "192.0.2.10")
    assert decided.details == {"client": "kim's laptop", "machine-address": MACHINE}


async def test_the_log_of_the_account_says_what_was_refused(world: World) -> None:
    codes = await world.registry.tokens.device_login.authorize("laptop", by=machine())
    ann = world.fresh(world.people.ann)
    await world.registry.tokens.device_login.deny(codes.user_code.reveal(), by=ann)
    [(_, event)] = await world.stores.events.stream(f"account:{ann.id}", None, 1)
    assert (event.kind, event.actor, event.subject) == ("device.refused", ann.id, "laptop")
    assert event.details == {"client": "laptop", "machine-address": MACHINE}


class SameRandomness:
    """Gives the same bytes each time."""

    def token_bytes(self, count: int) -> bytes:
        """Return what everybody guesses."""
        return bytes(count)


def machine() -> Principal:
    return Principal(address=MACHINE)


async def test_a_code_that_somebody_waits_with_is_not_given_out_again(world: World) -> None:
    device_login = replace(world.registry.tokens.device_login, randomness=SameRandomness())
    await device_login.authorize("first", by=machine())
    with pytest.raises(Busy):
        await device_login.authorize("second", by=machine())


@dataclass(frozen=True)
class OvertakenWork:
    """A store of work from which somebody else takes everything first."""

    work: WorkStore

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Take the value twice, and return what the second call got."""
        await self.work.take(kind, key, now_ms)
        return await self.work.take(kind, key, now_ms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.work, name)


async def test_a_poll_that_another_one_overtook_gets_no_token(world: World) -> None:
    device_login = world.registry.tokens.device_login
    codes = await device_login.authorize("laptop", by=machine())
    await device_login.approve(codes.user_code.reveal(), by=world.fresh(world.people.ann))
    overtaken = replace(device_login, work=cast("WorkStore", OvertakenWork(device_login.work)))
    with raises_refusal("device-code-expired"):
        await overtaken.exchange(codes.device_code.reveal(), by=machine())


async def test_exactly_one_of_concurrent_decisions_counts(world: World) -> None:
    device_login = world.registry.tokens.device_login
    people = world.people
    codes = await device_login.authorize("laptop", by=machine())
    answers = await asyncio.gather(
        *(
            device_login.approve(codes.user_code.reveal(), by=world.fresh(each))
            for each in (people.ann, people.bob, people.mia)
        ),
        return_exceptions=True,
    )
    assert [getattr(each, "code", "") for each in answers].count("device-code-unknown") == 2


@dataclass(frozen=True)
class Late:
    """A store of work whose reader has not heard of any answer yet."""

    work: WorkStore

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value, if it is no answer."""
        return None if kind == "device-answer" else await self.work.peek(kind, key, now_ms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.work, name)


async def test_a_decision_during_another_decision_is_not_overruled(world: World) -> None:
    device_login = world.registry.tokens.device_login
    codes = await device_login.authorize("laptop", by=machine())
    ann = world.fresh(world.people.ann)
    bob = world.fresh(world.people.bob)
    await device_login.deny(codes.user_code.reveal(), by=ann)
    late = replace(device_login, work=cast(WorkStore, Late(world.stores.work)))
    with raises_refusal("device-code-unknown"):
        await late.approve(codes.user_code.reveal(), by=bob)
    with raises_refusal("access-denied"):
        await device_login.exchange(codes.device_code.reveal(), by=machine())


async def test_a_machine_gets_no_token_of_a_deleted_account(world: World) -> None:
    device_login = world.registry.tokens.device_login
    mia = world.fresh(world.people.mia)
    codes = await device_login.authorize("laptop", by=machine())
    await device_login.approve(codes.user_code.reveal(), by=mia)
    await world.registry.administration.account_deletion.delete(by=mia)
    with raises_refusal("access-denied"):
        await device_login.exchange(codes.device_code.reveal(), by=machine())
