"""Publishers of any issuer of OpenID Connect: what owners decide, and what tokens get."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.events import Event, org_stream
from shared.services.adapters import Adapters
from shared.services.administration.reachability import ServerKind
from tests.fakes.system import FakeClock
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.issuers import (
    IDENTITY,
    ISSUERS,
    JOBS,
    LIFETIME_S,
    PRESETS,
    SETTINGS,
    TENANT,
    asked_claims,
    preset_issuers,
)
from tests.support.job_issuers import JobIssuers
from tests.support.trusted_publishing import EXCHANGE
from tests.support.world import URL, OpenWorld, Person, World

PUBLISHERS = "/api/v1/orgs/acme/publishers"
SINGLE = ("buildkite", "circleci", "bitbucket", "jenkins")
REPEATED = ("google", "kubernetes", "entra")


@dataclass
class Issuers:
    """A registry whose operator names issuers, with Ann, who owns `acme`."""

    world: World
    doubles: JobIssuers[str]
    ann: Browser

    async def add(self, label: str, **changes: Any) -> httpx.Response:
        """Add a publisher of acme/greet as the examples of the preset say."""
        preset = PRESETS[label]
        fields = {
            "package": "greet",
            "provider": "oidc",
            "issuer": ISSUERS[label],
            "audience": preset.audience,
            "claims": asked_claims(preset),
            "scopes": "publish",
        }
        return await self.ann.api("POST", PUBLISHERS, {**fields, **changes})

    async def added(self, label: str, **changes: Any) -> dict[str, Any]:
        answer = await self.add(label, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def exchange(self, token: str, **fields: object) -> httpx.Response:
        body: Mapping[str, object] = {"token": token, "org": "acme", **fields}
        return await self.world.send("POST", EXCHANGE, json=body)

    async def mint(self, label: str, **changes: object) -> httpx.Response:
        return await self.exchange(self.doubles.token(label, **changes))

    async def log(self) -> list[Event]:
        found = await self.world.stores.events.stream(org_stream("acme"), None, 100)
        return [event for _, event in found]


async def opened(worlds: OpenWorld, **settings: object) -> Issuers:
    """Open a registry that takes tokens of all issuers that have presets."""
    made: list[JobIssuers[str]] = []

    def connect(stores: Adapters) -> Adapters:
        made.append(preset_issuers(cast(FakeClock, stores.clock), URL))
        return replace(stores, fetcher=made[0].internet)

    world = await worlds(wrap=connect, **{**SETTINGS, **settings})
    return Issuers(world, made[0], await signed_in(world, world.people.ann))


@pytest.fixture
async def issuers(worlds: OpenWorld) -> Issuers:
    return await opened(worlds)


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def sentence(answer: httpx.Response) -> str:
    return answer.json()["error"]["message"]


@pytest.mark.parametrize("label", ISSUERS)
async def test_a_job_of_a_named_issuer_publishes_without_a_stored_secret(
    issuers: Issuers, label: str
) -> None:
    added = await issuers.added(label)
    exchanged = await issuers.mint(label)
    assert exchanged.status_code == 201, exchanged.text
    assert exchanged.json()["packages"] == ["greet"]
    pushed = await issuers.world.send(
        "PUT",
        f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala",
        headers={"Authorization": f"Bearer {exchanged.json()['token']}"},
        content=bala("acme/greet:1.0.0"),
    )
    assert pushed.status_code == 201, pushed.text
    origin = (await issuers.world.get(f"{URL}/api/v1/packages/acme/greet/1.0.0/origin")).json()
    assert origin["publishedBy"] == "trusted-publisher"
    assert (origin["run"]["provider"], origin["run"]["issuer"]) == ("oidc", ISSUERS[label])
    assert origin["run"]["subject"]
    kinds = {event.kind: event for event in await issuers.log()}
    assert kinds["token.issued"].details["issuer"] == ISSUERS[label]
    assert kinds["token.issued"].actor.startswith("oidc:")
    assert added["issuer"] in kinds["publisher.added"].details["issuer"]


async def test_the_page_of_a_release_names_its_subject_and_its_issuer(issuers: Issuers) -> None:
    await issuers.added("kubernetes")
    job = Person(
        issuers.world.people.ann.account, (await issuers.mint("kubernetes")).json()["token"]
    )
    await issuers.world.push(bala("acme/greet:1.0.0"), by=job)
    page = (await issuers.world.get(f"{URL}/packages/acme/greet/1.0.0")).text
    assert "Published by CI of <strong>system:serviceaccount:ci:publisher</strong>." in page
    assert f"Signed by {ISSUERS['kubernetes']}." in page


async def test_a_publisher_is_shown_with_all_that_decides(issuers: Issuers) -> None:
    added = await issuers.added("entra")
    assert added == {
        "id": added["id"],
        "package": "greet",
        "provider": "oidc",
        "server": ISSUERS["entra"],
        "ids": {},
        "repository": "",
        "workflow": "",
        "reusableWorkflow": "",
        "refs": [],
        "environment": "",
        "protected": False,
        "tagVersion": "",
        "runner": None,
        "issuer": ISSUERS["entra"],
        "audience": PRESETS["entra"].audience,
        "claims": {"sub": IDENTITY, "tid": TENANT},
        "scopes": "publish",
        "reads": "none",
        "pullRequests": False,
        "createdAt": added["createdAt"],
        "pendingUntil": added["pendingUntil"],
        "madeBy": "ann",
        "stopped": None,
        "warnings": [],
    }
    listed = (await issuers.world.get(f"{URL}{PUBLISHERS}", by=issuers.world.people.ann)).json()
    assert listed == {"publishers": [added]}


async def test_an_issuer_is_named_by_its_label_too(issuers: Issuers) -> None:
    assert (await issuers.added("jenkins", issuer="jenkins"))["issuer"] == ISSUERS["jenkins"]


@pytest.mark.parametrize(
    ("label", "changes", "why"),
    [
        ("jenkins", {"issuer": "https://evil.example.com"}, "takes no tokens of the issuer"),
        ("jenkins", {"issuer": ""}, "takes no tokens of the issuer"),
        ("jenkins", {"claims": {}}, "The claim sub is missing"),
        ("jenkins", {"claims": {"sub": "a", "aud": "b"}}, "The claim aud is no rule"),
        ("jenkins", {"audience": "sts.example.com"}, "were made for another service"),
        ("buildkite", {"claims": {"sub": "organization:octo:*"}}, "Other customers of buildkite"),
        ("jenkins", {"claims": {"sub": "https://jenkins.example.org/*/"}}, "Other customers of"),
        ("jenkins", {"ids": {"repository_id": "74"}}, "is known by claims"),
        ("jenkins", {"workflow": "release.yml"}, "do not say the workflow of a run"),
        ("jenkins", {"package": ""}, "Enter its name, or choose the scopes read"),
        ("jenkins", {"provider": "github", "issuer": ""}, "is known by repository_id"),
        ("jenkins", {"provider": "entra", "issuer": ""}, "choose the provider oidc"),
        ("jenkins", {"scopes": "read"}, "is for all packages of acme"),
    ],
)
async def test_a_publisher_that_lets_strangers_in_is_refused_with_a_sentence(
    issuers: Issuers, label: str, changes: dict[str, object], why: str
) -> None:
    answer = await issuers.add(label, **changes)
    assert answer.status_code == 400
    assert why in sentence(answer)


async def test_a_github_publisher_has_no_claims(issuers: Issuers) -> None:
    fields = {
        "package": "greet",
        "provider": "github",
        "ids": {"repository_id": "74", "repository_owner_id": "65"},
        "workflow": "release.yml",
        "refs": ["refs/tags/v*"],
        "claims": {"sub": "repo:octo/greet"},
    }
    answer = await issuers.ann.api("POST", PUBLISHERS, fields)
    assert (answer.status_code, "Leave audience and claims out" in answer.text) == (400, True)


async def test_the_same_publisher_twice_is_a_conflict_and_another_claim_is_another_one(
    issuers: Issuers,
) -> None:
    await issuers.added("jenkins")
    assert error(await issuers.add("jenkins")) == (409, "publisher-exists")
    await issuers.added("jenkins", claims={"sub": "https://jenkins.example.org/job/other/"})


@pytest.mark.parametrize("label", SINGLE)
async def test_a_token_of_each_job_is_exchanged_once(issuers: Issuers, label: str) -> None:
    await issuers.added(label)
    token = issuers.doubles.token(label)
    assert (await issuers.exchange(token)).status_code == 201
    assert error(await issuers.exchange(token)) == (401, "id-token-used")
    issuers.world.clock.advance(timedelta(seconds=1))
    assert (await issuers.mint(label)).status_code == 201


async def test_another_spelling_of_a_signature_is_the_same_token(issuers: Issuers) -> None:
    await issuers.added("jenkins")
    token = issuers.doubles.token("jenkins")
    assert (await issuers.exchange(token)).status_code == 201
    # The last letter of a signature of 256 bytes has four bits that mean nothing.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = f"{token[:-1]}{alphabet[alphabet.index(token[-1]) ^ 1]}"
    answer = await issuers.exchange(respelled)
    assert error(answer) in ((401, "id-token-used"), (401, "signed-token-refused"))


async def test_a_jti_is_taken_once_whatever_else_the_token_says(issuers: Issuers) -> None:
    await issuers.added("jenkins")
    assert (await issuers.mint("jenkins", jti="1")).status_code == 201
    assert error(await issuers.mint("jenkins", jti="1", build_number=13)) == (401, "id-token-used")


@pytest.mark.parametrize("label", REPEATED)
async def test_a_token_that_its_issuer_repeats_is_exchanged_again_and_each_time_is_logged(
    issuers: Issuers, label: str
) -> None:
    await issuers.added(label)
    token = issuers.doubles.token(label)
    for _ in range(3):
        assert (await issuers.exchange(token)).status_code == 201
        issuers.world.clock.advance(timedelta(minutes=10))
    issued = [event for event in await issuers.log() if event.kind == "token.issued"]
    assert len(issued) == 3
    assert len({event.details["id_token"] for event in issued}) == 1
    assert {event.details["id_token_issued"] for event in issued} == {
        "21 September 2026, 14:13 UTC"
    }
    issuers.world.clock.advance(timedelta(seconds=LIFETIME_S))
    assert error(await issuers.exchange(token)) == (401, "signed-token-refused")


@pytest.mark.parametrize("label", REPEATED)
async def test_a_token_that_its_issuer_repeats_is_refused_when_it_is_older_than_the_setting_says(
    issuers: Issuers, label: str
) -> None:
    await issuers.added(label)
    end = issuers.world.clock.now_ms() // 1000 + int(timedelta(days=3).total_seconds())
    token = issuers.doubles.token(label, exp=end)
    issuers.world.clock.advance(timedelta(hours=24))
    assert (await issuers.exchange(token)).status_code == 201
    issuers.world.clock.advance(timedelta(seconds=1))
    answer = await issuers.exchange(token)
    assert error(answer) == (401, "id-token-old")
    assert "takes those of its issuer for 24 hours" in sentence(answer)


async def test_an_old_token_is_no_guess_and_closes_no_address(worlds: OpenWorld) -> None:
    issuers = await opened(worlds, limit_failure="address=1")
    await issuers.added("google")
    token = issuers.doubles.token("google", exp=issuers.world.clock.now_ms() // 1000 + 200_000)
    issuers.world.clock.advance(timedelta(hours=25))
    for _ in range(3):
        assert error(await issuers.exchange(token)) == (401, "id-token-old")


@pytest.mark.parametrize(
    ("label", "changes", "code", "why"),
    [
        ("buildkite", {"organization_id": "another"}, "workload-unknown", "No package here"),
        (
            "buildkite",
            {"sub": "organization:octo:pipeline:greet:ref:refs/heads/main:commit:1:step:publish"},
            "workload-differs",
            "its claim sub is",
        ),
        ("buildkite", {"pipeline_id": "another"}, "workload-differs", "its claim pipeline_id is"),
        ("kubernetes", {"sub": "system:serviceaccount:ci:other"}, "workload-unknown", "No package"),
        ("entra", {"sub": "another"}, "workload-unknown", "(sub 'another')"),
        ("entra", {"tid": "another"}, "claim-unusable", "does not say tid"),
    ],
)
async def test_a_run_that_no_publisher_takes_gets_no_token(
    issuers: Issuers, label: str, changes: dict[str, object], code: str, why: str
) -> None:
    await issuers.added(label)
    answer = await issuers.mint(label, **changes)
    assert error(answer) == (403, code)
    assert why in sentence(answer)


async def test_only_a_refusal_of_the_same_customer_is_logged(issuers: Issuers) -> None:
    await issuers.added("buildkite")
    await issuers.mint("buildkite", organization_id="another")
    await issuers.mint("buildkite", pipeline_id="another")
    refused = [event for event in await issuers.log() if event.kind == "publisher.refused"]
    assert len(refused) == 1
    assert "its claim pipeline_id is 'another'" in refused[0].details["why"]


@pytest.mark.parametrize(
    ("label", "audience"),
    [
        ("jenkins", "https://other.example"),
        ("jenkins", [URL, "https://other.example"]),
        ("jenkins", "api://ballroom"),
        ("entra", "https://management.core.windows.net/"),
    ],
)
async def test_a_token_for_another_service_is_refused(
    issuers: Issuers, label: str, audience: object
) -> None:
    await issuers.added(label)
    answer = await issuers.mint(label, aud=audience)
    assert error(answer) == (401, "signed-token-refused")
    assert "another audience" in sentence(answer)


async def test_a_token_for_another_application_of_the_tenant_is_refused(issuers: Issuers) -> None:
    await issuers.added("entra")
    answer = await issuers.mint("entra", aud="api://another")
    assert error(answer) == (403, "workload-differs")
    assert "its audience is 'api://another', not api://ballroom alone" in sentence(answer)


async def test_one_tenant_cannot_sign_for_another(issuers: Issuers) -> None:
    await issuers.added("entra")
    other = ISSUERS["entra"].replace(TENANT, "11111111-2222-3333-4444-555555555555")
    answer = await issuers.mint("entra", iss=other)
    assert error(answer) == (401, "signed-token-refused")
    assert "takes no jobs of its issuer" in sentence(answer)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"exp": 1_000}, "it is expired"),
        ({"exp": None}, "its claim exp is missing"),
        ({"iat": 2_000_000_000}, "it was issued in the future"),
        ({"nbf": 2_000_000_000}, "it is not valid yet"),
        ({"sub": None}, "its claim sub is missing"),
        ({"aud": None}, "its claim aud is missing"),
        ({"aud": []}, "another audience"),
        ({"iss": "https://evil.example.com"}, "takes no jobs of its issuer"),
    ],
)
@pytest.mark.parametrize("label", ["jenkins", "entra"])
async def test_a_token_that_is_not_valid_now_is_refused(
    issuers: Issuers, label: str, changes: dict[str, object], flaw: str
) -> None:
    await issuers.added(label)
    answer = await issuers.mint(label, **changes)
    assert error(answer) == (401, "signed-token-refused")
    assert flaw in sentence(answer)


async def test_one_issuer_cannot_sign_for_another(issuers: Issuers) -> None:
    await issuers.added("kubernetes")
    signer = issuers.doubles.issuers["jenkins"]
    claims = {**JOBS["kubernetes"](), "aud": URL, "iss": ISSUERS["kubernetes"]}
    answer = await issuers.exchange(signer.sign(claims))
    assert error(answer) == (401, "signed-token-refused")
    assert "its signature is wrong" in sentence(answer)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512"])
async def test_an_algorithm_that_is_not_listed_is_refused(issuers: Issuers, algorithm: str) -> None:
    await issuers.added("kubernetes")
    _, payload, _ = issuers.doubles.token("kubernetes").split(".")
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": "key-1"}).encode()
    forged = f"{base64.urlsafe_b64encode(header).decode().rstrip('=')}.{payload}.c2lnbmVk"
    answer = await issuers.exchange(forged)
    assert error(answer) == (401, "signed-token-refused")
    assert "its algorithm is not one that is accepted" in sentence(answer)


async def test_an_issuer_that_is_away_is_a_reason_to_come_again(issuers: Issuers) -> None:
    await issuers.added("kubernetes")
    issuers.doubles.internet.is_down = True
    answer = await issuers.mint("kubernetes")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)


async def test_the_doctor_tries_the_issuers_of_publishers(issuers: Issuers) -> None:
    await issuers.added("kubernetes")
    reachability = issuers.world.registry.administration.reachability
    issuer = ISSUERS["kubernetes"]
    found = [each.found for each in await reachability.check() if each.kind is ServerKind.ISSUER]
    assert found == [f"{issuer}, which signs for CI jobs, answers."]


async def test_a_job_of_a_named_issuer_says_for_which_organization_it_asks(
    issuers: Issuers,
) -> None:
    await issuers.added("jenkins")
    answer = await issuers.exchange(issuers.doubles.token("jenkins"), org=None)
    assert answer.status_code == 400
    assert "Say for which organization" in sentence(answer)


async def test_an_access_token_of_entra_id_is_no_credential_of_a_request(issuers: Issuers) -> None:
    await issuers.added("entra")
    headers = {"Authorization": f"Bearer {issuers.doubles.token('entra')}"}
    answer = await issuers.world.get(f"{URL}/api/v1/whoami", headers=headers)
    assert answer.status_code == 401


async def test_an_issuer_that_the_operator_does_not_name_gets_no_token(worlds: OpenWorld) -> None:
    issuers = await opened(worlds, publish_from_issuers="")
    assert "it knows none" in sentence(await issuers.add("jenkins"))
    answer = await issuers.mint("jenkins")
    assert error(answer) == (401, "signed-token-refused")
    assert "takes no jobs of its issuer" in sentence(answer)


# --- reading alone --------------------------------------------------------------------------------


async def test_a_publisher_that_reads_pulls_private_packages_and_publishes_nothing(
    issuers: Issuers,
) -> None:
    world = issuers.world
    await world.push(bala("acme/hidden:1.0.0", visibility="private"))
    await world.push(bala("other/hidden:1.0.0", visibility="private"), by=world.people.bob)
    added = await issuers.added("kubernetes", package="", scopes="read")
    assert (added["package"], added["scopes"], added["pendingUntil"]) == ("", "read", None)
    exchanged = (await issuers.mint("kubernetes")).json()
    assert exchanged["packages"] == []
    headers = {"Authorization": f"Bearer {exchanged['token']}"}
    pull = {**dict(ACCEPT_ARCHIVE), **headers}
    assert (await world.get("/packages/acme/hidden/1.0.0", headers=pull)).status_code == 302
    assert (await world.get("/packages/other/hidden/1.0.0", headers=pull)).status_code == 404
    for name, version in (("hidden", "1.1.0"), ("new", "1.0.0")):
        pushed = await world.send(
            "PUT",
            f"{URL}/2.0/maven/acme/{name}/{version}/{name}-{version}.bala",
            headers=headers,
            content=bala(f"acme/{name}:{version}"),
        )
        assert pushed.status_code == 403, pushed.text


async def test_a_token_that_reads_ends_within_minutes(issuers: Issuers) -> None:
    await issuers.world.push(bala("acme/hidden:1.0.0", visibility="private"))
    await issuers.added("kubernetes", package="", scopes="read")
    token = (await issuers.mint("kubernetes")).json()["token"]
    issuers.world.clock.advance(timedelta(minutes=16))
    headers = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {token}"}
    answer = await issuers.world.get("/packages/acme/hidden/1.0.0", headers=headers)
    assert answer.status_code == 401


async def test_a_job_with_both_kinds_of_publishers_reads_and_publishes(issuers: Issuers) -> None:
    await issuers.added("kubernetes")
    await issuers.added("kubernetes", package="", scopes="read")
    assert (await issuers.mint("kubernetes")).json()["packages"] == ["greet"]


async def test_a_publisher_that_reads_is_no_way_to_push_to_a_package(issuers: Issuers) -> None:
    await issuers.world.push(bala("acme/greet:1.0.0"))
    await issuers.added("kubernetes", package="", scopes="read")
    pushers = "/api/v1/packages/acme/greet/pushers"
    answer = await issuers.ann.api("PUT", pushers, {"pushers": "publishers"})
    assert (answer.status_code, "no trusted publisher" in answer.text) == (400, True)


async def test_a_publisher_that_reads_is_removed_and_the_log_names_its_organization(
    issuers: Issuers,
) -> None:
    added = await issuers.added("kubernetes", package="", scopes="read")
    assert (await issuers.ann.api("DELETE", f"{PUBLISHERS}/{added['id']}")).status_code == 204
    events = {event.kind: event for event in await issuers.log()}
    for kind in ("publisher.added", "publisher.removed"):
        assert (events[kind].subject, events[kind].details["scopes"]) == ("acme", "read")
    assert error(await issuers.mint("kubernetes")) == (403, "workload-unknown")
