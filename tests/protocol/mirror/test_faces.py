"""Every face serves a mirrored release as it serves ours, and says where it came from."""

import base64
import json
from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import main_of
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mirrors import PULL, broken
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

IO = "/packages/ballerina/io"


@pytest.fixture
async def stored(mirror: World) -> World:
    """Return a registry in which a mirrored release is stored."""
    assert (await mirror.get(f"{IO}/1.0.0", headers=PULL)).status_code == 302
    return mirror


async def test_the_index_maven_the_api_and_the_feed_have_it(stored: World) -> None:
    answer = await stored.get(f"{URL}/index/ballerina/io/index.json")
    line = json.loads(answer.text.splitlines()[0])
    assert (line["version"], line["created"]) == ("1.0.0", PUBLISHED_MS)
    folder = f"{MAVEN}/ballerina/io/1.0.0/io-1.0.0"
    for end in (".pom", "-depgraph.json", ".bala.sha256"):
        assert (await stored.get(folder + end)).status_code == 200
    assert (await stored.get(f"{folder}.bala")).status_code == 302
    origin = await stored.get(f"{URL}/api/v1/packages/ballerina/io/1.0.0/origin")
    assert origin.json()["publishedBy"] == "upstream"
    provenance = await stored.get(f"{URL}/api/v1/provenance/ballerina/io/1.0.0")
    [envelope] = provenance.json()["statements"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["predicateType"] == "https://in-toto.io/attestation/release/v0.2"
    assert statement["predicate"]["mirroredFrom"].startswith("127.0.0.1:")
    assert '"ballerina"' in (await stored.get(f"{URL}/index/changes")).text


async def test_a_file_of_maven_fetches_the_release(mirror: World, upstream: FakeUpstream) -> None:
    path = f"{URL}/2.0/maven/ballerina/io/1.1.0/io-1.1.0"
    assert (await mirror.get(f"{path}.bala")).status_code == 302
    assert (await mirror.get(f"{path}.pom")).status_code == 200
    assert upstream.asked == {"package": 1, "pull": 1, "file": 1}
    assert (await mirror.get(path.replace("1.1.0", "7.0.0") + ".bala")).status_code == 404


async def test_search_finds_it(stored: World) -> None:
    if stored.stores.feed is not None:
        await stored.stores.feed.catch_up()
    found = (await stored.get("/packages?q=org:ballerina")).json()
    assert [each["name"] for each in found["packages"]] == ["io"]
    assert found["packages"][0]["upstream"]["name"].startswith("127.0.0.1:")


async def test_the_page_says_where_it_came_from(stored: World) -> None:
    page = await stored.get(f"{URL}/packages/ballerina/io/1.0.0")
    assert page.status_code == 200
    assert "Mirrored from 127.0.0.1:" in page.text
    described = (await stored.get(f"{URL}/packages/ballerina/io/1.0.0.json")).text
    if described.startswith("{"):
        assert json.loads(described)["publishedBy"]["means"] == "upstream"


async def test_a_withheld_release_is_not_fetched_again(
    stored: World, upstream: FakeUpstream
) -> None:
    at = Coordinate.parse("ballerina", "io", "1.0.0")
    await stored.registry.publishing.moderation.quarantine(at, "malware", by=OPERATOR)
    stored.clock.advance(timedelta(minutes=10))
    for headers in (PULL, {}):
        assert (await stored.get(f"{IO}/1.0.0", headers=headers)).status_code == 404
    assert upstream.asked["file"] == 1


async def test_a_tool_id_of_ours_stays_ours(mirror: World, upstream: FakeUpstream) -> None:
    await mirror.push(bala("acme/tool:1.0.0", tools=["greeter"]))
    upstream.publish("ballerina/tool:1.0.0", tools=["greeter"])
    assert (await mirror.get("/packages/ballerina/tool/1.0.0", headers=PULL)).status_code == 302
    model = (await mirror.get("/packages/ballerina/tool/1.0.0")).json()
    assert model["balToolId"] == ""
    assert (await mirror.get("/tools/greeter")).json()["organization"] == "acme"


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/packages/ballerina/{}", 1),
        (f"{MAVEN}/ballerina/{{}}/maven-metadata.xml", 1),
        (f"{URL}/archives/mirrored/ballerina/{{0}}/1.0.0/ballerina-{{0}}-any-1.0.0.bala", 2),
    ],
)
async def test_callers_without_a_token_are_limited(
    worlds: OpenWorld, upstream: FakeUpstream, path: str, limit: int
) -> None:
    mirror = await worlds(upstream=upstream.url, limit_mirror=f"address={limit}")
    upstream.publish("ballerina/http:1.0.0")
    known = path.format("io")
    other = path.format("http")
    assert [(await mirror.get(each)).status_code for each in (known, other)] == [200, 429]
    assert path.startswith("/packages") or (await mirror.get(known)).status_code == 200  # Stored.
    assert (await mirror.get(other, by=mirror.people.ann)).status_code == 200


async def test_bursts_and_limits_of_pushes_do_not_count(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, limit_push="token=1 account=1 address=1")
    for number in range(12):
        upstream.publish(f"ballerina/p{number}:1.0.0")
        answer = await mirror.get(f"/packages/ballerina/p{number}/1.0.0", headers=PULL)
        assert answer.status_code == 302
    assert mirror.mailer.sent == []


async def test_the_overview_of_administrators_shows_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    admin = await signed_in(mirror, mirror.people.admin, "/manage")
    assert f"at {upstream.url}/2.0/registry: answers</dd>" in main_of(admin.page)


async def test_documents_of_what_nobody_pulled_are_made_at_the_first_request(
    mirror: World, upstream: FakeUpstream
) -> None:
    docs = f"{URL}/2.0/docs/ballerina"
    first = await mirror.get(f"{docs}/io/1.1.0")
    assert first.status_code == 503
    assert int(first.headers["retry-after"]) > 0
    await mirror.document()
    found = (await mirror.get(f"{docs}/io/1.1.0")).json()["docsData"]["modules"]
    assert [each["id"] for each in found] == ["io"]
    assert upstream.asked == {"package": 1, "pull": 1, "file": 1}
    for missing in ("io/7.0.0", "other/1.1.0", "io.other/1.1.0"):
        assert (await mirror.get(f"{docs}/{missing}")).status_code == 404


async def test_a_process_that_makes_documents_answers_the_first_request(
    mirror: World, upstream: FakeUpstream
) -> None:
    for each in mirror.instances:
        each.api_docs.queue.enable()
    found = await mirror.get(f"{URL}/2.0/docs/ballerina/io/1.1.0")
    assert found.status_code == 200, found.text
    assert upstream.asked["file"] == 1


async def test_documents_say_that_the_upstream_does_not_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.behave["package"] = upstream.behave["pull"] = broken
    answer = await mirror.get(f"{URL}/2.0/docs/ballerina/io/1.1.0")
    assert (answer.status_code, int(answer.headers["retry-after"])) == (503, 10)


async def test_documents_of_ours_are_not_looked_for_elsewhere(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/lib:1.0.0"))
    upstream.publish("acme/other:1.0.0")
    upstream.asked.clear()
    assert (await mirror.get(f"{URL}/2.0/docs/acme/other/1.0.0")).status_code == 404
    assert not upstream.asked
