"""A stolen copy of what is stored has no secret: no token, link, code, cookie or secret of a
webhook, nor what settings have, in the database, a backup, a snapshot or the log.

Each secret is made as people make it, and looked for byte by byte.
"""

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.domain.names import OrgName
from shared.domain.principals import OPERATOR
from shared.domain.webhooks import Topic
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.fakes.identity_provider import CLIENT_SECRET
from tests.fakes.release_keys import LOG_KEYS, RELEASE_KEYS
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.device_login import ask
from tests.support.scim import ScimWorld, issue
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.storage import IN_THE_CLOUD
from tests.support.stored_bytes import bytes_of_files, stored_bytes
from tests.support.terminal import Terminal
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

OF_SETTINGS = {
    "smtp_password": "the password of the mail server",
    "scanner_secret": f"whsec_{base64.b64encode(b's' * 32).decode()}",
    "metrics_token": "the token that reads metrics",
    "lookup_token": "the token that looks names up, of tests",
    "insights_connection": None,
    "link_key": "the key that signs links and sessions of this test",
}
SETTINGS: dict[str, Any] = {
    "mail": "smtp",
    "smtp_host": "mail.test",
    "smtp_user": "ballroom",
    "mail_from": "registry@example.org",
    "scanner_url": "https://scan.test",
    "metrics": "token",
    **{name: value for name, value in OF_SETTINGS.items() if value},
}
HOOK = "https://hooks.example.org/ballroom"


async def made_by_people(company: SignInWorld) -> dict[str, str]:
    """Make one secret of each kind, and return each by what it is."""
    world = company.world
    ann = await signed_in(world, world.people.ann)
    made = dict[str, str]()
    made["token of an account"] = world.people.ann.token
    made["session cookie"] = ann.session
    made["csrf token"] = ann.csrf
    made["second session cookie"] = (await company.signed_in()).session
    made |= await secrets_of_a_sign_in(company)
    made |= await secrets_of_webhooks(world, ann)
    made |= await secrets_of_links(world)
    made |= await secrets_of_tokens(world)
    made["token of scim"] = ScimWorld(company, await issue(company)).token
    assert all(len(each) > 8 for each in made.values()), made
    return made


async def secrets_of_a_sign_in(company: SignInWorld) -> dict[str, str]:
    """Begin a sign-in, which nobody ends."""
    begun = await company.browser().send("GET", "/sign-in/oidc")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    return {"state of a sign-in": query["state"][0], "nonce of a sign-in": query["nonce"][0]}


async def secrets_of_webhooks(world: World, ann: Browser) -> dict[str, str]:
    hooks = "/api/v1/orgs/acme/webhooks"
    added = (await ann.api("POST", hooks, {"url": HOOK, "events": ["release"]})).json()
    rotated = (await ann.api("POST", f"{hooks}/{added['id']}/rotate", {})).json()
    webhooks = world.registry.organizations.webhooks
    own = await webhooks.add(None, HOOK, [Topic.AUDIT], by=OPERATOR)
    return {
        "old secret of a webhook": added["secret"],
        "secret of a webhook": rotated["secret"],
        "secret of a webhook of the registry": own.secret,
    }


async def secrets_of_links(world: World) -> dict[str, str]:
    identity = world.registry.identity
    link = await identity.sign_in_flow.issue_link(world.people.bob.account, by=OPERATOR)
    ann = await signed_in(world, world.people.ann)
    invited = await ann.api("POST", "/api/v1/orgs/acme/invitations", {"role": "member"})
    codes = await ask(world)
    return {
        "sign-in link": urlsplit(link.reveal()).fragment,
        "invitation link": urlsplit(invited.json()["link"]).fragment,
        "device code": codes["device_code"],
        "user code": codes["user_code"],
    }


async def secrets_of_tokens(world: World) -> dict[str, str]:
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=30)
    tokens = world.registry.tokens.access_tokens
    issued = await tokens.issue(OfOrganization(OrgName("acme")), wanted, by=OPERATOR)
    return {"token of an organization": issued.text.reveal()}


def found_in(places: dict[str, bytes], secrets: dict[str, str]) -> list[str]:
    """Return which secrets are where, also as hexadecimal digits or in Base64."""
    return [
        f"{what} in {place}"
        for what, secret in secrets.items()
        for form in forms_of(secret)
        for place, content in places.items()
        if form in content
    ]


def forms_of(secret: str) -> set[bytes]:
    """Return how the bytes of a secret may be written; JSON escapes a quotation mark."""
    plain = secret.encode()
    keys = [base64.b64decode(secret.removeprefix("whsec_"))] if secret[:6] == "whsec_" else []
    return {plain, base64.b64encode(plain), plain.hex().encode(), *keys}


@pytest.fixture
async def company(worlds: OpenWorld) -> SignInWorld:
    return await open_sign_in(worlds, log_level="info", **SETTINGS)


async def test_no_secret_is_in_what_is_stored_or_logged(
    company: SignInWorld, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    world = company.world
    secrets = await made_by_people(company)
    with pytest.raises(ClientFailure, match="the scanner gave no verdict"):
        await world.push(bala("acme/greet:1.0.0"))
    for task in ("deliver-webhooks", "create-snapshot"):
        await world.registry.maintenance.task_runner.run(task)
    data = world.registry.settings.data
    output = capfd.readouterr()
    places = {**stored_bytes(data), "log": f"{output.out}{output.err}".encode()}
    assert len(places) > 5, list(places)
    everything = b"".join(places.values())
    assert HOOK.encode() in everything  # What is looked for would be found.
    assert any("directory.jsonl" in name for name in places), list(places)
    if not IN_THE_CLOUD:
        Terminal(data).run("backup", str(tmp_path / "backup"))
        backup = dict(bytes_of_files(tmp_path / "backup"))
        assert HOOK.encode() in backup["ballroom.db"]
        places |= {f"backup/{name}": content for name, content in backup.items()}
    assert found_in(places, secrets | of_the_operator() | keys_of(world)) == []


def keys_of(world: World) -> dict[str, str]:
    """Return the keys in the files of the registry, and those that encrypt secrets of webhooks."""
    files = sorted((world.registry.settings.data / "keys").glob("*"))
    words = {
        f"{file.name} {number}": word
        for file in files
        for number, word in enumerate(file.read_text().split())
        if len(word) > len("2026-11-28T10:00:00Z")
    }
    known = world.registry.organizations.webhook_secrets._known  # pyright: ignore[reportPrivateUsage]
    assert known
    encoded = {name: f"whsec_{base64.b64encode(key).decode()}" for name, key in known.items()}
    return {**words, **encoded}


def of_the_operator() -> dict[str, str]:
    """Return what settings have, and the keys that they have."""
    keys = re.findall(r"[A-Za-z0-9+/]{40,}=*", f"{RELEASE_KEYS}\n{LOG_KEYS}")
    named = {name: value for name, value in OF_SETTINGS.items() if value}
    numbered = {f"key {number}": key for number, key in enumerate(keys)}
    return {**named, **numbered, "client secret": CLIENT_SECRET}
