"""Trusted publishing over HTTP: what owners decide, what jobs get, what a release says of it."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import PublisherReads
from shared.domain.visibility import Visibility
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.trusted_publishing import COMMIT, EXCHANGE, IDS, TrustedPublishingWorld, trusting
from tests.support.world import URL, OpenWorld

NEW_PUBLISHER = "/api/v1/orgs/acme/publishers"
PUBLISHERS = f"{URL}{NEW_PUBLISHER}"
PUSHERS = "/api/v1/packages/acme/greet/pushers"
NEW: dict[str, Any] = {
    "package": "greet",
    "provider": "github",
    "ids": IDS[Provider.GITHUB],
    "workflow": "release.yml",
    "refs": ["refs/tags/v*"],
}
RUN = {
    "provider": "github",
    "repository": "octo/greet",
    "workflow": "release.yml",
    "reusableWorkflow": "",
    "ref": "refs/tags/v1.0.0",
    "commit": COMMIT,
    "runUrl": "https://github.com/octo/greet/actions/runs/32291736541/attempts/2",
    "issuer": "",
    "subject": "",
    "claims": {
        "repository_id": "74",
        "repository_owner_id": "65",
        "repository_visibility": "public",
        "runner_environment": "github-hosted",
    },
}


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry that takes jobs."""
    return await trusting(worlds)


def origin(coordinate: str) -> str:
    """Return where it is told where a release comes from."""
    return f"{URL}/api/v1/packages/{coordinate.replace(':', '/')}/origin"


async def test_a_job_without_a_stored_secret_publishes_and_its_provenance_is_shown(
    trust: TrustedPublishingWorld,
) -> None:
    ann = await signed_in(trust.world, trust.world.people.ann)
    assert (await ann.api("POST", NEW_PUBLISHER, NEW)).status_code == 201

    exchanged = await trust.post(trust.ci.token(Provider.GITHUB))
    assert exchanged.status_code == 201, exchanged.text
    got = exchanged.json()
    assert got == {
        "token": got["token"],
        "expiresAt": "2026-09-21T14:28:20Z",
        "org": "acme",
        "packages": ["greet"],
        "refused": [],
    }
    assert exchanged.headers["cache-control"] == "no-store"

    archive = bala("acme/greet:1.0.0")
    pushed = await trust.world.send(
        "PUT",
        f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala",
        headers={"Authorization": f"Bearer {got['token']}"},
        content=archive,
    )
    assert pushed.status_code == 201, pushed.text

    shown = (await trust.world.get(origin("acme/greet:1.0.0"))).json()
    assert (shown["publishedBy"], shown["run"]) == ("trusted-publisher", RUN)

    log = await ann.api("GET", "/api/v1/orgs/acme/audit")
    events = {event["kind"]: event for event in log.json()["events"]}
    issued = events["token.issued"]
    published = events["release.published"]
    assert issued["actor"] == "github:74"
    assert issued["details"]["run"] == published["details"]["run"] == RUN["runUrl"]
    assert published["credential"] == issued["subject"]
    assert published["subject"] == "acme/greet:1.0.0"
    assert events["publisher.added"]["actorName"] == "ann"


async def test_an_outage_of_the_issuer_is_told_as_an_outage_and_counts_against_nobody(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    assert (await trust.post(trust.ci.token(Provider.GITHUB))).status_code == 201
    trust.ci.issuers[Provider.GITHUB].rotate()
    trust.ci.internet.is_down = True
    trust.world.clock.advance(timedelta(minutes=1))
    for _ in range(40):  # More than an address may have wrong credentials.
        answer = await trust.post(trust.ci.token(Provider.GITHUB))
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"] == "30"
        assert answer.json()["error"]["code"] == "issuer-silent"
        trust.world.clock.advance(timedelta(seconds=1))
    trust.ci.internet.is_down = False
    trust.world.clock.advance(timedelta(minutes=1))
    assert (await trust.post(trust.ci.token(Provider.GITHUB))).status_code == 201


async def test_a_release_of_a_stored_token_says_that_nobody_vouched_for_it(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    shown = (await trust.world.get(origin("acme/greet:1.0.0"))).json()
    assert shown == {
        "org": "acme",
        "name": "greet",
        "version": "1.0.0",
        "digest": shown["digest"],
        "publishedAt": "2026-09-21T14:13:20Z",
        "publishedBy": "stored-token",
        "run": None,
        "signatures": shown["signatures"],
        "sigstore": "",
        "provenanceUrl": f"{URL}/api/v1/provenance/acme/greet/1.0.0",
    }
    assert len(shown["signatures"]) == 1


async def test_the_origin_stays_when_the_release_changes(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())
    ann = trust.world.java(trust.world.people.ann)
    await ann.deprecate("acme/greet:1.0.0", "Use another.")
    await ann.undeprecate("acme/greet:1.0.0")
    assert (await trust.world.get(origin("acme/greet:1.0.0"))).json()["run"] == RUN


async def test_a_job_publishes_a_private_package_too(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    await trust.world.push(bala("acme/greet:1.0.0", visibility="private"), by=await trust.job())
    head = await trust.world.stores.metadata.head(Package.parse("acme", "greet"))
    assert head is not None
    assert head.visibility is Visibility.PRIVATE


async def test_an_owner_who_is_signed_in_adds_closes_opens_and_removes(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/greet:1.0.0"))
    ann = await signed_in(trust.world, trust.world.people.ann)
    added = await ann.api("POST", NEW_PUBLISHER, NEW)
    assert added.status_code == 201
    location = f"{NEW_PUBLISHER}/{added.json()['id']}"

    closed = await ann.api("PUT", PUSHERS, {"pushers": "publishers"})
    assert closed.json() == {"org": "acme", "name": "greet", "pushers": "publishers"}
    with pytest.raises(ClientFailure, match="trusted publishers alone"):
        await trust.world.push(bala("acme/greet:1.1.0"))
    opened = await ann.api("PUT", PUSHERS, {"pushers": "members"})
    assert opened.json()["pushers"] == "members"

    assert (await ann.api("DELETE", location)).status_code == 204
    assert (await ann.api("DELETE", location)).status_code == 404
    listed = await ann.api("GET", NEW_PUBLISHER)
    assert listed.json() == {"publishers": []}


async def test_the_same_publisher_twice_is_a_conflict(trust: TrustedPublishingWorld) -> None:
    ann = await signed_in(trust.world, trust.world.people.ann)
    first = await ann.api("POST", NEW_PUBLISHER, NEW)
    again = await ann.api("POST", NEW_PUBLISHER, NEW)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "publisher-exists")
    assert first.json()["id"] in again.json()["error"]["message"]


async def test_an_owner_sees_the_publishers_with_all_that_decides(
    trust: TrustedPublishingWorld,
) -> None:
    added = await trust.add()
    answer = await trust.world.get(PUBLISHERS, by=trust.world.people.ann)
    assert answer.json() == {
        "publishers": [
            {
                "id": added.id,
                "package": "greet",
                "provider": "github",
                "server": "https://github.com",
                "ids": {"repository_id": "74", "repository_owner_id": "65"},
                "repository": "octo/greet",
                "workflow": "release.yml",
                "reusableWorkflow": "",
                "refs": ["refs/tags/v*"],
                "environment": "release",
                "protected": True,
                "tagVersion": "",
                "runner": None,
                "issuer": "",
                "audience": "",
                "claims": {},
                "scopes": "publish",
                "reads": "none",
                "pullRequests": False,
                "createdAt": "2026-09-21T14:13:20Z",
                "pendingUntil": "2026-10-21T14:13:20Z",
                "madeBy": "ann",
                "stopped": None,
                "warnings": [],
            }
        ]
    }


async def test_a_job_of_a_provider_reads_alone_where_its_publisher_says_so(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.world.push(bala("acme/hidden:1.0.0", visibility="private"))
    ann = await signed_in(trust.world, trust.world.people.ann)
    reading = {**NEW, "package": "", "scopes": "read"}
    assert (await ann.api("POST", NEW_PUBLISHER, reading)).status_code == 201
    got = (await trust.post(trust.ci.token(Provider.GITHUB))).json()
    assert got["packages"] == []
    headers = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {got['token']}"}
    pulled = await trust.world.get("/packages/acme/hidden/1.0.0", headers=headers)
    assert pulled.status_code == 302
    pushed = await trust.world.send(
        "PUT",
        f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala",
        headers={"Authorization": f"Bearer {got['token']}"},
        content=bala("acme/greet:1.0.0"),
    )
    assert pushed.status_code == 403, pushed.text


async def test_the_audience_is_the_address_of_the_registry(trust: TrustedPublishingWorld) -> None:
    answer = await trust.world.get(f"{URL}/api/v1/trusted-publishing/audience")
    assert answer.json() == {"audience": URL}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"token": ""}',
        b'{"token": 1}',
        b'{"token": "a.b.c", "package": "greet"}',
        b'{"token": "a.b.c", "org": "no such name!"}',
        b'{"token": "' + b"x" * 20_000 + b'"}',
    ],
    ids=["empty", "list", "no token", "number", "unknown field", "no name", "too long"],
)
async def test_a_request_of_another_form_is_refused(
    trust: TrustedPublishingWorld, body: bytes
) -> None:
    answer = await trust.world.send("POST", EXCHANGE, content=body)
    assert answer.status_code == 400


async def test_an_invalid_id_token_is_refused_with_a_sentence(
    trust: TrustedPublishingWorld,
) -> None:
    answer = await trust.post("a.b.c")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed-token-refused")


async def test_an_issuer_that_does_not_answer_is_a_reason_to_come_again(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    trust.ci.internet.is_down = True
    answer = await trust.post(trust.ci.token(Provider.GITHUB))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_the_id_token_of_a_job_is_no_access_token(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    answer = await trust.world.get(
        f"{URL}/api/v1/whoami",
        headers={"Authorization": f"Bearer {trust.ci.token(Provider.GITHUB)}"},
    )
    assert answer.status_code == 401


async def test_an_exchange_asks_the_stores_seven_times(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    trust = await trusting(worlds, port_calls.wrap)
    await trust.add()
    port_calls.taken()
    await trust.exchange(trust.ci.token(Provider.GITHUB), org=parse_org("acme"))
    assert [call for call in port_calls.taken() if not call.startswith("fetcher.")] == [
        "directory.list_by_owner",
        "metadata.head",
        "directory.access_context",  # Of who made the publisher.
        "directory.get",
        "work.claim",
        "directory.add",
        "events.append_outbox",
    ]


async def test_a_push_of_a_job_reads_its_publisher_only_where_that_made_the_package(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    trust = await trusting(worlds, port_calls.wrap)
    await trust.world.push(bala("acme/other:1.0.0"))
    for name in ("acme/greet", "acme/other"):
        await trust.add(name)
    job = await trust.job()
    await trust.world.push(bala("acme/greet:1.0.0"), by=job)
    for name, reads in (("greet", 1), ("other", 0)):
        port_calls.taken()
        await trust.world.push(bala(f"acme/{name}:1.1.0"), by=job)
        assert port_calls.taken().count("directory.list_by_owner") == reads, name


async def test_a_job_that_takes_too_long_gets_a_new_token(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    await trust.job()
    trust.world.clock.advance(timedelta(minutes=16))
    await trust.world.push(bala("acme/greet:1.0.0"), by=await trust.job())


async def test_the_log_says_why_a_job_was_refused(trust: TrustedPublishingWorld) -> None:
    await trust.add()
    answer = await trust.post(trust.ci.token(Provider.GITHUB, ref="refs/heads/other"), org="acme")
    assert answer.status_code == 403, answer.text
    [refused] = [each for each in await trust.log() if each.kind == "publisher.refused"]
    assert refused.details["why"] == answer.json()["error"]["message"]
    assert refused.details["ref"] == "refs/heads/other"


async def test_a_job_reads_what_members_read_where_its_publisher_says_so(
    trust: TrustedPublishingWorld,
) -> None:
    world = trust.world
    bob = trust.world.people.bob
    await trust.add(reads=PublisherReads.ORGANIZATION)
    await world.push(bala("acme/hidden:1.0.0", visibility="private"))
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=bob)
    await world.push(bala("other/hidden:1.0.0", visibility="private"), by=bob)
    token = (await trust.mint()).text.reveal()
    headers = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {token}"}
    found = {
        name: (await world.get(f"/packages/{name}/1.0.0", headers=headers)).status_code
        for name in ("acme/hidden", "other/inside", "other/hidden")
    }
    assert found == {"acme/hidden": 302, "other/inside": 302, "other/hidden": 404}


@pytest.mark.parametrize(
    ("stored", "email", "status"),
    [
        ({}, "ann@example.org", 302),
        ({}, "ann@supplier.test", 404),
        ({"by": ""}, "ann@supplier.test", 302),  # Nobody is known to have made the publisher.
        ({"by": "", "by_guest": True}, "ann@example.org", 404),
    ],
)
async def test_a_job_reads_internal_packages_while_the_maker_of_its_publisher_is_staff(
    worlds: OpenWorld, stored: dict[str, object], email: str, status: int
) -> None:
    trust = await trusting(worlds, staff="@example.org")
    world = trust.world
    ann = world.people.ann.account
    directory = world.stores.directory
    await directory.replace(ann.model_copy(update={"email": "ann@example.org"}))
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=world.people.bob)
    made = await trust.add(reads=PublisherReads.ORGANIZATION)
    await directory.put(made.model_copy(update=stored))
    token = (await trust.mint()).text.reveal()
    found = await directory.get(Account, ann.place)
    assert found
    await directory.replace(found.model_copy(update={"email": email}))
    world.clock.advance(timedelta(seconds=5))
    headers = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {token}"}
    pulled = await world.get("/packages/other/inside/1.0.0", headers=headers)
    assert pulled.status_code == status
