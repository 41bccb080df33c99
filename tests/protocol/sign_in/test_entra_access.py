"""Access tokens of Entra ID: programs and people of the tenant, by what the operator maps."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from shared.auth.signed_tokens import LEEWAY
from tests.fakes.identity_provider import CLIENT_ID, Issuer, rsa_key
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.sign_in import TENANT, SignInWorld, open_sign_in
from tests.support.storage import one_instance
from tests.support.world import BASE, URL, OpenWorld, Person

PIPELINE = "0a0a0a0a-1111-2222-3333-444444444444"
GROUP = "0b0b0b0b-1111-2222-3333-444444444444"
ROLES = [
    {"claim": "Packages.Publish", "org": "acme", "role": "maintainer",
     "scopes": ["read", "push-new", "push-version"]},
    {"claim": GROUP, "org": "acme", "role": "member", "scopes": ["read"]},
    {"claim": "People.Read", "scopes": ["read"]},
    {"claim": "Packages.Review", "org": "acme", "role": "maintainer", "scopes": ["read"]},
    {"claim": "Sandbox", "org": "*", "role": "member", "scopes": ["push-new", "push-version"]},
    {"claim": "Tooling", "scopes": ["read", "push-new", "push-version", "manage"]},
]  # fmt: skip
RIGHT: dict[str, Any] = {
    "aud": CLIENT_ID,
    "sub": PIPELINE,
    "oid": PIPELINE,
    "tid": TENANT,
    "azp": "99999999-1111-2222-3333-444444444444",
    "uti": "the-token",
    "roles": ["Packages.Publish"],
}


@pytest.fixture
async def sign_ins(worlds: OpenWorld) -> SignInWorld:
    """Return a registry that maps a role and a group of the tenant."""
    return await open_sign_in(worlds, entra_roles=json.dumps(ROLES), limit_failure="address=1000")


def holder(sign_ins: SignInWorld, **changed: Any) -> Person:
    """Return a caller with a token that says this."""
    return replace(sign_ins.world.people.ann, token=sign_ins.issuer.sign({**RIGHT, **changed}))


async def pushed(sign_ins: SignInWorld, by: Person, coordinate: str = "acme/greet:1.0.0") -> int:
    """Push a package, and return the status."""
    body = multipart("greet.bala", bala(coordinate))
    return (await sign_ins.world.upload(body, by=by, headers=FORM)).status_code


async def test_a_role_publishes_where_it_is_mapped_to(sign_ins: SignInWorld) -> None:
    pipeline = holder(sign_ins)
    assert await pushed(sign_ins, pipeline) == 204
    assert await pushed(sign_ins, pipeline, "other/greet:1.0.0") == 400
    events = await sign_ins.world.stores.events.since(0, 1000)
    assert [event.actor for _, event in events if "greet" in event.subject] == [f"entra-{PIPELINE}"]


async def test_a_group_reads_and_does_not_publish(sign_ins: SignInWorld) -> None:
    await sign_ins.world.push(bala("acme/secret:1.0.0", visibility="private"))
    reader = holder(sign_ins, roles=None, groups=[GROUP])
    path = f"{BASE}/packages/acme/secret/1.0.0"
    assert (await sign_ins.world.get(path, by=reader)).status_code in (200, 302)
    assert (await sign_ins.world.get(path)).status_code == 404
    assert await pushed(sign_ins, reader) == 400


@pytest.mark.parametrize("roles", [["Packages.Review", "Sandbox"], ["Packages.Review", "Tooling"]])
async def test_the_role_of_one_entry_and_the_scopes_of_another_publish_nothing(
    sign_ins: SignInWorld, roles: list[str]
) -> None:
    both = holder(sign_ins, roles=roles)
    assert await pushed(sign_ins, both) == 400
    await sign_ins.world.push(bala("acme/secret:1.0.0", visibility="private"))
    path = f"{BASE}/packages/acme/secret/1.0.0"
    assert (await sign_ins.world.get(path, by=both)).status_code in (200, 302)
    assert await pushed(sign_ins, both, "acme/secret:2.0.0") == 400


async def test_roles_and_groups_without_a_mapping_are_401(sign_ins: SignInWorld) -> None:
    assert await pushed(sign_ins, holder(sign_ins, roles=["Unknown"], groups=["other"])) == 401
    assert await pushed(sign_ins, holder(sign_ins, roles=None)) == 401


async def test_no_token_of_the_tenant_governs(sign_ins: SignInWorld) -> None:
    answer = await sign_ins.world.send(
        "POST",
        f"{URL}/api/v1/tokens",
        by=holder(sign_ins),
        content=b'{"name": "mine", "scopes": ["read"]}',
    )
    assert answer.status_code == 403


async def test_a_linked_identity_acts_as_its_account(sign_ins: SignInWorld) -> None:
    browser = await sign_ins.signed_in("entra")
    person = holder(sign_ins, oid="object-of-kim", scp="access", roles=["People.Read"])
    answer = await sign_ins.world.get(f"{URL}/api/v1/whoami", by=person)
    [name] = re.findall(r"Signed in as <strong>(\w+)</strong>", browser.page.text)
    assert answer.json()["name"] == name


async def test_tokens_of_the_first_version_are_read_too(sign_ins: SignInWorld) -> None:
    first = holder(
        sign_ins,
        iss=f"https://sts.windows.net/{TENANT}/",
        aud=f"api://{CLIENT_ID}",
        azp=None,
        appid="99999999-1111-2222-3333-444444444444",
    )
    assert await pushed(sign_ins, first) == 204


async def test_keys_are_rotated_without_a_restart(sign_ins: SignInWorld) -> None:
    assert await pushed(sign_ins, holder(sign_ins)) == 204
    sign_ins.issuer.rotate()
    sign_ins.wait(minutes=1)
    assert await pushed(sign_ins, holder(sign_ins), "acme/greet:1.0.1") == 204


@one_instance("each reads the keys of Microsoft Entra itself")
async def test_an_outage_of_entra_stops_nobody_who_was_known(sign_ins: SignInWorld) -> None:
    assert await pushed(sign_ins, holder(sign_ins)) == 204
    sign_ins.internet.is_down = True
    sign_ins.wait(hours=23)
    assert await pushed(sign_ins, holder(sign_ins), "acme/greet:1.0.1") == 204


WRONG = {
    "another audience": {"aud": "another-api"},
    "another audience besides": {"aud": [CLIENT_ID, "another-api"]},
    "another tenant": {"tid": "00000000-0000-0000-0000-000000000000"},
    "another issuer": {"iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"},
    "expired": {"exp": 1},
    "without an application": {"azp": None},
    "an id token": {"azp": None, "nonce": "of a sign-in"},
    "an id token that names an application": {"nonce": "of a sign-in"},
    "without an object": {"oid": None},
    "without a tenant": {"tid": None},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
async def test_a_token_that_is_not_for_this_is_refused(
    sign_ins: SignInWorld, changed: dict[str, Any]
) -> None:
    answer = await sign_ins.world.get(f"{URL}/api/v1/whoami", by=holder(sign_ins, **changed))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signed-token-refused"


async def test_a_token_ends_when_it_says(sign_ins: SignInWorld) -> None:
    person = holder(sign_ins)
    sign_ins.wait(hours=1, seconds=LEEWAY.total_seconds())
    answer = await sign_ins.world.get(f"{URL}/api/v1/whoami", by=person)
    assert answer.status_code == 401


async def test_a_forged_token_is_refused(sign_ins: SignInWorld) -> None:
    forger = Issuer(sign_ins.issuer.url, sign_ins.issuer.now_s, keys={"key-1": rsa_key(66)})
    person = replace(sign_ins.world.people.ann, token=forger.sign(RIGHT))
    assert (await sign_ins.world.get(f"{URL}/api/v1/whoami", by=person)).status_code == 401


async def test_without_a_mapping_no_token_of_the_tenant_counts(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds)
    answer = await sign_ins.world.get(f"{URL}/api/v1/whoami", by=holder(sign_ins))
    assert answer.json()["error"]["code"] == "token-malformed"
    assert sign_ins.internet.asked == []


async def test_our_own_tokens_are_ours_to_judge(sign_ins: SignInWorld) -> None:
    answer = await sign_ins.world.get(f"{URL}/api/v1/whoami", by=sign_ins.world.people.ann)
    assert answer.json()["name"] == "ann"
    assert sign_ins.internet.asked == []
