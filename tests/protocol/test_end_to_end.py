"""End to end: found, invite, publish privately and from CI, revoke, read the log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.trusted_publishing.jobs import Provider
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeInternet, Issuer, Somebody
from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.trusted_publishing import IDS, TrustedPublishingWorld, trusting
from tests.support.world import MAVEN, OpenWorld, World

PUBLISHER = {
    "package": "secret",
    "provider": "github",
    "ids": IDS[Provider.GITHUB],
    "workflow": "release.yml",
    "refs": ["refs/tags/v*"],
}


@dataclass
class Story:
    """A registry with an identity provider and a CI system, and who came to it."""

    trust: TrustedPublishingWorld
    issuer: Issuer
    kim: Browser
    lee: Browser

    @property
    def world(self) -> World:
        """Return the registry."""
        return self.trust.world


async def arrived(world: World, issuer: Issuer, name: str) -> Browser:
    """Return the browser of somebody who has just signed in with the provider."""
    issuer.person = Somebody(f"subject of {name}", name.title(), f"{name}@example.org")
    browser = Browser(world, issuer)
    await browser.get("/sign-in/oidc")
    await browser.get("/account")
    assert browser.page.status_code == 200, browser.page.text
    return browser


@pytest.fixture
async def story(worlds: OpenWorld) -> Story:
    """Let Kim and Lee sign in for the first time."""
    issuer = Issuer()
    trust = await trusting(
        worlds,
        lambda stores: replace(
            stores, fetcher=FakeInternet([*cast(FakeInternet, stores.fetcher).issuers, issuer])
        ),
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )
    issuer.now_s = lambda: trust.world.clock.now_ms() / 1000
    kim = await arrived(trust.world, issuer, "kim")
    return Story(trust, issuer, kim, await arrived(trust.world, issuer, "lee"))


def done(answer: httpx.Response, status: int) -> httpx.Response:
    assert answer.status_code == status, answer.text
    return answer


async def token_of(browser: Browser, *scopes: str) -> tuple[str, str]:
    """Return a new token of somebody: its id and its text."""
    wanted = {"name": "laptop", "scopes": list(scopes), "org": "kimco"}
    made = done(await browser.api("POST", "/api/v1/tokens", wanted), 201).json()
    return made["token"]["id"], made["text"]


async def push(world: World, token: str, version: str) -> httpx.Response:
    """Publish a private package with a token."""
    archive = bala(f"kimco/secret:{version}", visibility="private")
    url = f"{MAVEN}/kimco/secret/{version}/secret-{version}.bala"
    bearer = {"Authorization": f"Bearer {token}"}
    return await world.send("PUT", url, headers=bearer, content=archive)


async def founded(story: Story) -> None:
    """Let Kim found an organization, and Lee accept an invitation to it."""
    kim, lee = story.kim, story.lee
    done(await kim.api("POST", "/api/v1/orgs", {"name": "kimco"}), 201)
    invited = await kim.api("POST", "/api/v1/orgs/kimco/invitations", {"role": "member"})
    link = done(invited, 201).json()["link"]
    await lee.get(link)
    done(await lee.post(link, decision="accept"), 200)


async def test_a_revoked_token_is_refused_and_all_that_happened_is_in_the_log(story: Story) -> None:
    await founded(story)
    token_id, token = await token_of(story.kim, "push-new", "push-version", "read")
    done(await push(story.world, token, "1.0.0"), 201)
    done(await story.kim.api("POST", "/api/v1/orgs/kimco/publishers", PUBLISHER), 201)
    job = done(await story.trust.post(story.trust.ci.token(Provider.GITHUB)), 201).json()
    done(await push(story.world, job["token"], "2.0.0"), 201)

    done(await story.kim.api("DELETE", f"/api/v1/tokens/{token_id}"), 204)
    story.world.clock.advance(timedelta(seconds=5))
    done(await push(story.world, token, "3.0.0"), 401)

    log = (await story.kim.api("GET", "/api/v1/orgs/kimco/audit?count=100")).json()["events"]
    shown = [(each["kind"], each["actorName"] or each["actor"]) for each in reversed(log)]
    [*before, (kind, actor)] = shown
    assert before == [
        ("organization.founded", "kim"),
        ("invitation.sent", "kim"),
        ("invitation.accepted", "lee"),
        ("member.set", "lee"),
        ("release.published", "kim"),
        ("publisher.added", "kim"),
        ("token.issued", "github:74"),
    ]
    assert (kind, actor) not in before  # By the organization itself, whose token the job had.
    assert kind == "release.published"
    own = (await story.kim.api("GET", "/api/v1/account/events?count=100")).json()["events"]
    kinds = [each["kind"] for each in own]
    assert {"token.issued", "token.revoked"} <= set(kinds)
