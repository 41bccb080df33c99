"""What a run of CI reads that may not publish, and how its token ends."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.domain.entities import Place
from shared.domain.memberships import Membership, member_place
from shared.domain.principals import MAX_REFUSED_PACKAGES
from shared.domain.scopes import Role
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.jobs import Provider
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.trusted_publishing import EXCHANGE, RULES, TrustedPublishingWorld, trusting
from tests.support.world import URL, OpenWorld, Person

pytestmark = pytest.mark.measured

ANY_TAG = {"workflow": "release.yml", "refs": ["refs/tags/v*"]}
PAGE = f"{URL}/account/organizations/acme/publishers"
WITHOUT_ENVIRONMENT = {"environment": ""}
ASKS = "it asks for the environment release, and this run has none"


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


async def exchanged(trust: TrustedPublishingWorld, **claims: object) -> dict[str, Any]:
    """Return what a run with these claims gets."""
    answer = await trust.post(trust.ci.token(Provider.GITHUB, **claims), org="acme")
    assert answer.status_code == 201, answer.text
    return answer.json()


async def pushed(trust: TrustedPublishingWorld, token: str, coordinate: str) -> httpx.Response:
    """Return the answer to a push as the Java client sends it."""
    job = Person(trust.world.people.ann.account, token)
    name = coordinate.partition("/")[2].partition(":")[0]
    return await trust.world.upload(multipart(f"{name}.bala", bala(coordinate)), by=job)


async def sent(
    trust: TrustedPublishingWorld, token: str, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Exchange a token as a shell does that reads no JSON."""
    wanted = {"Accept": "text/plain", **(headers or {})}
    body = f'{{"org":"acme","token":"{token}"}}'.encode()
    return await trust.world.send("POST", EXCHANGE, headers=wanted, content=body)


# --- The right message --------------------------------------------------------------------------


async def test_the_exchange_says_what_the_run_may_not_publish_and_why(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet")
    await trust.add("acme/second", rules=ANY_TAG)
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert got["packages"] == ["second"]
    assert got["refused"] == [{"package": "greet", "why": ASKS}]


@one_instance("it counts calls of one instance")
async def test_an_exchange_reads_the_maker_of_its_publishers_once(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    trust = await trusting(worlds, wrap=port_calls.wrap)
    for name in ("greet", "second"):
        await trust.world.push(bala(f"acme/{name}:1.0.0"))
        await trust.add(f"acme/{name}", rules=ANY_TAG)
    port_calls.taken()
    got = await exchanged(trust)
    calls = Counter(port_calls.taken())
    assert sorted(got["packages"]) == ["greet", "second"]
    assert calls["directory.access_context"] == 1
    assert calls["metadata.head"] == 0  # Neither publisher waits for its package.


async def test_a_push_says_what_the_run_may_publish_and_what_it_lacks(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet")
    await trust.add("acme/second", rules=ANY_TAG)
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    answer = await pushed(trust, got["token"], "acme/greet:1.0.0")
    assert answer.status_code == 400  # bal shows no message of a 403.
    assert answer.json()["message"] == (
        "You may not publish acme/greet: this run may publish acme/second; acme/greet asks for the "
        "environment release, and this run has none. An owner of acme sets which runs may publish, "
        f"at {PAGE}."
    )
    assert (await pushed(trust, got["token"], "acme/second:1.0.0")).status_code == 204


@pytest.mark.parametrize("name", ["greet", "nothing"])
async def test_a_push_of_what_no_publisher_takes_tells_what_the_run_may_publish(
    trust: TrustedPublishingWorld, name: str
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    await trust.add("acme/second", rules=ANY_TAG)
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert got["refused"] == []
    answer = await pushed(trust, got["token"], f"acme/{name}:2.0.0")
    assert answer.status_code == 400  # bal shows no message of a 403.
    assert (
        f"this run may publish acme/second; no trusted publisher of acme/{name} takes it. An owner"
        in answer.json()["message"]
    )


async def test_a_run_that_only_reads_is_told_so(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet")
    ann = await signed_in(trust.world, trust.world.people.ann)
    reading = {
        "provider": "github",
        "scopes": "read",
        "ids": {"repository_id": "74", "repository_owner_id": "65"},
        **ANY_TAG,
    }
    added = await ann.api("POST", "/api/v1/orgs/acme/publishers", reading)
    assert added.status_code == 201, added.text
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert (got["packages"], got["refused"]) == ([], [{"package": "greet", "why": ASKS}])
    answer = await pushed(trust, got["token"], "acme/greet:1.0.0")
    assert answer.status_code == 400  # bal shows no message of a 403.
    assert "this run may publish nothing; acme/greet asks for the env" in answer.json()["message"]
    assert PAGE in answer.json()["message"]


async def test_a_push_to_another_organization_says_whose_token_the_run_has(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    got = await exchanged(trust)
    answer = await pushed(trust, got["token"], "other/greet:1.0.0")
    assert answer.status_code == 400  # bal shows no message of a 403.
    expected = "this run has a token for acme; exchange its id token for other instead"
    assert expected in answer.json()["message"]


async def test_the_refusal_of_a_run_names_every_package_that_asks_for_more(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet")
    await trust.add("acme/second", rules={**ANY_TAG, "refs": ["refs/heads/main"]})
    answer = await trust.post(trust.ci.token(Provider.GITHUB, environment=""), org="acme")
    assert answer.status_code == 403
    message = answer.json()["error"]["message"]
    assert message.startswith("No trusted publisher takes this run: ")
    assert "acme/greet asks for the environment release, and this run has none" in message
    assert "acme/second asks for the ref refs/heads/main, and this run has 'refs/tags" in message
    assert message.endswith(f"at {PAGE}.")


async def test_a_package_that_one_of_its_publishers_gives_is_not_refused(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet")
    await trust.add("acme/greet", rules=ANY_TAG)
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert (got["packages"], got["refused"]) == (["greet"], [])


async def test_the_nearest_publisher_says_why_a_package_is_refused(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/second", rules=ANY_TAG)
    await trust.add("acme/greet", rules={**RULES[Provider.GITHUB], "refs": ["refs/heads/x"]})
    await trust.add("acme/greet")
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert got["refused"] == [{"package": "greet", "why": ASKS}]


async def test_a_package_whose_publisher_is_paused_or_came_too_late_is_refused_with_that(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    await trust.add("acme/late", rules=ANY_TAG)
    await world.push(bala("acme/late:1.0.0"))
    paused = await trust.add("acme/paused", rules=ANY_TAG)
    mia = world.people.mia.account
    await world.stores.directory.put(paused.model_copy(update={"by": mia.id}))
    found = await world.stores.directory.get(Membership, member_place("acme", mia.id))
    assert found is None or found.role is not Role.OWNER
    await trust.add("acme/second", rules=ANY_TAG)
    got = await exchanged(trust)
    assert {each["package"]: each["why"] for each in got["refused"]} == {
        "late": "it was created by another publisher or by a member",
        "paused": "it has a trusted publisher that is paused until an owner confirms it",
    }


async def test_ten_refused_packages_are_kept_at_most(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/second", rules=ANY_TAG)
    for number in range(MAX_REFUSED_PACKAGES + 2):
        await trust.add(f"acme/greet{number}")
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    assert len(got["refused"]) == MAX_REFUSED_PACKAGES
    answer = await pushed(trust, got["token"], f"acme/greet{MAX_REFUSED_PACKAGES + 1}:1.0.0")
    assert "no trusted publisher of acme/greet11 takes it" in answer.json()["message"]


async def test_no_package_is_named_to_a_run_of_another_repository(
    trust: TrustedPublishingWorld,
) -> None:
    """An owner id of its own: the repository was deleted, and somebody else made it again."""
    await trust.add("acme/secret")
    other = {"repository_id": "74", "repository_owner_id": "66"}
    await trust.add("acme/second", ids=other, rules=ANY_TAG)
    got = await exchanged(trust, repository_owner_id="66", environment="")
    assert got["refused"] == []
    answer = await pushed(trust, got["token"], "acme/secret:1.0.0")
    assert "asks for" not in answer.text
    refused = await trust.post(trust.ci.token(Provider.GITHUB, repository_owner_id="67"))
    assert "secret" not in refused.text


async def test_packages_of_another_organization_are_not_named_with_those_of_one(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    await trust.add("other/hidden", by=trust.person(trust.world.people.bob))
    answer = await trust.post(trust.ci.token(Provider.GITHUB, environment=""))
    assert answer.status_code == 201, answer.text
    assert answer.json()["refused"] == []


async def test_a_refused_push_reads_no_publisher(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    trust = await trusting(worlds, port_calls.wrap)
    await trust.add("acme/greet")
    await trust.add("acme/second", rules=ANY_TAG)
    got = await exchanged(trust, **WITHOUT_ENVIRONMENT)
    await pushed(trust, got["token"], "acme/nothing:1.0.0")  # The token is read once.
    port_calls.taken()
    answer = await pushed(trust, got["token"], "acme/greet:1.0.0")
    assert "acme/greet asks for the environment" in answer.text
    assert "directory.list_by_owner" not in port_calls.taken()


async def test_a_person_is_led_to_the_page_of_tokens_by_a_whole_address(
    trust: TrustedPublishingWorld,
) -> None:
    ann = await signed_in(trust.world, trust.world.people.ann)
    made = await ann.api("POST", "/api/v1/tokens", {"name": "reading", "scopes": ["read"]})
    answer = await pushed(trust, made.json()["text"], "acme/greet:1.0.0")
    assert answer.status_code == 400  # bal shows no message of a 403.
    assert answer.json()["message"].endswith(
        "the token lacks the scopes push-new and push-version. Create a token that may publish at "
        f"{URL}/account/tokens?for=push."
    )


async def test_an_expired_token_of_a_job_leads_to_another_exchange(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    got = await exchanged(trust)
    trust.world.clock.advance(timedelta(minutes=16))
    answer = await pushed(trust, got["token"], "acme/greet:1.0.0")
    assert answer.status_code == 401
    assert "Exchange an id token right before the push." in answer.text
    assert "Settings.toml" not in answer.text


# --- A missing permission -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{}", b'{"token":""}', b'{"token":" "}', b'{"token":"null"}'])
async def test_a_job_without_an_id_token_is_told_which_permission_it_lacks(
    trust: TrustedPublishingWorld, body: bytes
) -> None:
    answer = await trust.world.send("POST", EXCHANGE, content=body)
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "the provider of the job gave none" in message
    assert "On GitHub Actions it needs the permission id-token: write." in message
    assert f"On GitLab CI it needs id_tokens with aud: {URL}." in message
    assert "On Azure DevOps it needs SYSTEM_ACCESSTOKEN: $(System.AccessToken)" in message


async def test_only_providers_are_named_whose_jobs_are_taken(worlds: OpenWorld) -> None:
    trust = await trusting(worlds, publish_from_gitlab="", publish_from_azure_devops="")
    answer = await trust.world.send("POST", EXCHANGE, content=b"{}")
    assert "GitHub Actions" in answer.text
    assert "GitLab" not in answer.text
    assert "Azure" not in answer.text


# --- Plain text -----------------------------------------------------------------------------------


async def test_a_shell_that_reads_no_json_gets_the_token_alone(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    answer = await sent(trust, trust.ci.token(Provider.GITHUB))
    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("blr_")
    assert answer.text == answer.text.strip()
    assert (await pushed(trust, answer.text, "acme/greet:1.0.0")).status_code == 204


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/plain", ""])
async def test_all_others_get_json(trust: TrustedPublishingWorld, accept: str) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    answer = await sent(trust, trust.ci.token(Provider.GITHUB), {"Accept": accept})
    assert answer.json()["packages"] == ["greet"]


async def test_a_refusal_is_a_line_for_such_a_shell(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet")
    answer = await sent(trust, trust.ci.token(Provider.GITHUB, environment=""))
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("No trusted publisher takes this run: acme/greet asks for the")
    assert answer.text.count("\n") == 1
    unread = await sent(trust, "")
    assert (unread.status_code, "id-token: write" in unread.text) == (400, True)


# --- The end of a token ---------------------------------------------------------------------------


async def ended(trust: TrustedPublishingWorld, token: str) -> httpx.Response:
    return await trust.world.send("DELETE", EXCHANGE, headers={"Authorization": f"Bearer {token}"})


async def test_a_job_ends_its_token(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    got = await exchanged(trust)
    assert (await pushed(trust, got["token"], "acme/greet:1.0.0")).status_code == 204
    assert (await ended(trust, got["token"])).status_code == 204
    trust.world.clock.advance(timedelta(seconds=5))
    assert (await pushed(trust, got["token"], "acme/greet:1.1.0")).status_code == 401
    headers = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {got['token']}"}
    pulled = await trust.world.get("/packages/acme/greet/1.0.0", headers=headers)
    assert pulled.status_code == 401
    assert await trust.world.stores.directory.list_all(Token, Place(""), 100) == [
        each
        for each in await trust.world.stores.directory.list_all(Token, Place(""), 100)
        if each.provenance is None
    ]
    [event] = [each for each in await trust.log() if each.kind == "token.ended"]
    assert event.details["name"] == "GitHub Actions octo/greet"
    assert event.credential == event.subject


async def test_a_token_that_ended_is_not_ended_again(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    got = await exchanged(trust)
    assert (await ended(trust, got["token"])).status_code == 204
    trust.world.clock.advance(timedelta(seconds=5))
    assert (await ended(trust, got["token"])).status_code == 401
    assert [each.kind for each in await trust.log()].count("token.ended") == 1


async def test_a_job_ends_no_other_token(trust: TrustedPublishingWorld) -> None:
    await trust.add("acme/greet", rules=ANY_TAG)
    first = await exchanged(trust)
    second = await exchanged(trust)
    assert (await ended(trust, first["token"])).status_code == 204
    trust.world.clock.advance(timedelta(seconds=5))
    assert (await pushed(trust, second["token"], "acme/greet:1.0.0")).status_code == 204


async def test_no_stored_token_is_ended_so(trust: TrustedPublishingWorld) -> None:
    answer = await ended(trust, trust.world.people.ann.token)
    assert answer.status_code == 403
    assert f"Revoke access tokens at {URL}/account/tokens." in answer.text
    nobody = await trust.world.send("DELETE", EXCHANGE)
    assert nobody.status_code == 401
