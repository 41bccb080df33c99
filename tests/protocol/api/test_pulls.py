"""Who pulled what: the record of pulls, as owners read it from the API."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from msgspec.structs import replace

from functions.http.csv_tables import safe_cell
from shared.domain.coordinates import Package
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.domain.pull_records import KEPT_FOR, RecordedPulls
from shared.domain.times import utc_text
from shared.domain.visibility import Visibility
from shared.services.adapters import Adapters
from shared.services.packages.pull_records import FLUSH_AFTER
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from shared.telemetry.log import configure
from tests.support.archives import bala
from tests.support.logs import logged
from tests.support.port_doubles import Fault
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, Person, World, limited

PULLS = f"{URL}/api/v1/orgs/acme/pulls"
ACCEPT = {"Accept": "application/octet-stream"}
SECRET = "/packages/acme/secret"


@pytest.fixture
async def secret(world: World) -> World:
    """Return a registry with a private package and a public one."""
    return await published(world)


async def published(world: World) -> World:
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/secret:{version}", visibility="private"))
    await world.push(bala("acme/greet:1.0.0"))
    return world


async def pull(
    world: World, path: str, by: Person | None, address: str = "192.0.2.1", **headers: str
) -> int:
    """Ask for an archive from an address; return the status."""
    sent = {**ACCEPT, "X-Forwarded-For": address, **headers}
    return (await world.get(path, by=by, headers=sent)).status_code


async def pulls(world: World, query: str = "", by: Person | None = None) -> list[dict[str, Any]]:
    """Return the first page of the pulls of acme, as Ann reads it."""
    await world.record_pulls()
    answer = await world.get(PULLS + query, by=by or world.people.ann)
    assert answer.status_code == 200, answer.text
    return answer.json()["pulls"]


def who(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the names and the versions of pulls."""
    return [(each["principalName"], each["version"]) for each in found]


async def test_a_pull_of_a_private_package_says_who_with_what_from_where_and_when(
    secret: World,
) -> None:
    mia = secret.people.mia
    assert await pull(secret, f"{SECRET}/1.0.0", mia) == 302
    [found] = await pulls(secret)
    [token] = await secret.registry.tokens.records.of(mia.account.id)
    assert found == {
        "at": utc_text(secret.clock.now_ms()),
        "package": "acme/secret",
        "version": "1.0.0",
        "principal": mia.account.id,
        "principalName": "mia",
        "credential": token.token.id,
        "job": "",
        "network": "127.0.0.1",
    }


async def test_pulls_of_public_packages_are_not_recorded(secret: World) -> None:
    assert await pull(secret, "/packages/acme/greet/1.0.0", secret.people.mia) == 302
    assert await pulls(secret) == []


async def test_all_pulls_are_recorded_where_the_setting_says_so(worlds: OpenWorld) -> None:
    world = await worlds(recorded_pulls=RecordedPulls.ALL, trusted_proxies="127.0.0.1")
    await published(world)
    assert await pull(world, "/packages/acme/greet/1.0.0", None, "2001:db8:1:2:3::9") == 302
    [found] = await pulls(world)
    assert (found["principal"], found["credential"], found["principalName"]) == ("", "", "")
    assert found["network"] == "2001:db8:1:2::"


async def test_the_line_of_a_pull_in_the_log_names_release_token_and_network(
    secret: World, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("info")
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    await pull(secret, "/packages/acme/greet/1.0.0", None)
    await pull(secret, "/packages/acme/greet/9.9.9", None)
    [private, public, missing] = logged(capfd)
    [token] = await secret.registry.tokens.records.of(secret.people.mia.account.id)
    assert private["principal"] == secret.people.mia.account.id
    assert private["credential"] == token.token.id
    assert (private["coordinate"], private["network"]) == ("acme/secret:1.0.0", "127.0.0.1")
    assert (public["coordinate"], public["network"]) == ("acme/greet:1.0.0", "127.0.0.1")
    assert "credential" not in public
    assert "coordinate" not in missing


@one_instance("each records a caller once")
async def test_a_caller_is_recorded_once_in_ten_minutes(secret: World) -> None:
    for _ in range(3):
        await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    await pulls(secret)
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    await pull(secret, f"{SECRET}/1.1.0", secret.people.mia)
    assert who(await pulls(secret)) == [("mia", "1.1.0"), ("mia", "1.0.0")]
    secret.clock.advance(timedelta(minutes=10))
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    assert who(await pulls(secret))[0] == ("mia", "1.0.0")
    assert len(await pulls(secret)) == 3


async def test_answers_that_are_repeated_from_memory_are_recorded_too(secret: World) -> None:
    for person in (secret.people.ann, secret.people.mia, secret.people.ann, secret.people.mia):
        secret.clock.advance(timedelta(seconds=1))
        await pull(secret, f"{SECRET}/1.0.0", person)
        await pull(secret, f"{SECRET}/1.0.0", person)
    assert {name for name, _ in who(await pulls(secret))} == {"ann", "mia"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_answer_that_leads_to_the_archive_is_recorded(
    secret: World, method: str
) -> None:
    """A client that opts out of being counted, or asks by HEAD, gets the address, too."""
    headers = {**ACCEPT, "ballerina-central-telemetry-disabled": "true"}
    await secret.send(method, f"{SECRET}/1.0.0", by=secret.people.mia, headers=headers)
    assert who(await pulls(secret)) == [("mia", "1.0.0")]


async def test_a_refused_pull_is_not_recorded(secret: World) -> None:
    assert await pull(secret, f"{SECRET}/1.0.0", secret.people.bob) == 404
    assert await pull(secret, f"{SECRET}/9.9.9", secret.people.mia) == 404
    assert await pulls(secret) == []


async def test_a_pull_by_maven_is_recorded(secret: World) -> None:
    await secret.maven(secret.people.mia).pull("acme/secret:1.1.0")
    assert who(await pulls(secret)) == [("mia", "1.1.0")]


async def test_an_archive_that_is_read_by_its_address_and_a_token_is_recorded(
    secret: World,
) -> None:
    metadata = (await secret.get(f"{SECRET}/1.0.0", by=secret.people.mia)).json()
    assert await pulls(secret) == []
    answer = await secret.get(metadata["balaURL"], by=secret.people.mia)
    assert answer.status_code == 200
    assert who(await pulls(secret)) == [("mia", "1.0.0")]


async def test_the_signed_link_of_a_redirect_is_no_second_pull(secret: World) -> None:
    await secret.java(secret.people.mia).pull("acme/secret:1.0.0")
    assert who(await pulls(secret)) == [("mia", "1.0.0")]


async def test_a_token_of_the_organization_has_its_name(secret: World) -> None:
    org = parse_org("acme")
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=9)
    issued = await secret.registry.tokens.access_tokens.issue(
        OfOrganization(org), wanted, by=secret.fresh(secret.people.ann)
    )
    robot = Person(secret.people.ann.account, issued.text.reveal())
    assert await pull(secret, f"{SECRET}/1.0.0", robot) == 302
    [found] = await pulls(secret)
    assert (found["principalName"], found["credential"]) == ("acme", issued.token.id)
    assert await pulls(secret, "?principal=acme") == [found]
    assert await pulls(secret, f"?principal={issued.token.id}") == [found]
    assert await pulls(secret, "?principal=mia") == []


async def test_an_owner_asks_who_pulled_a_version(secret: World) -> None:
    people = secret.people
    await pull(secret, f"{SECRET}/1.0.0", people.ann)
    await pull(secret, f"{SECRET}/1.1.0", people.ann)
    secret.clock.advance(timedelta(hours=1))
    await pull(secret, f"{SECRET}/1.0.0", people.mia)
    both = [("mia", "1.0.0"), ("ann", "1.0.0")]
    assert who(await pulls(secret, "?package=secret&version=1.0.0")) == both
    assert who(await pulls(secret, "?package=acme/secret:1.0.0")) == both
    assert who(await pulls(secret, "?package=secret&version=1.0.0&principal=ann")) == both[1:]
    assert await pulls(secret, "?package=greet") == []
    assert len(await pulls(secret, "?since=2020-01-01")) == 3
    assert await pulls(secret, "?since=2100-01-01") == []
    assert await pulls(secret, "?until=2020-01-01") == []


async def test_pages_lead_to_each_other(secret: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        for person in (secret.people.ann, secret.people.mia):
            await pull(secret, f"{SECRET}/{version}", person)
    await secret.record_pulls()
    seen = list[tuple[str, str]]()
    query = "?count=3"
    while query:
        page = (await secret.get(PULLS + query, by=secret.people.ann)).json()
        seen += who(page["pulls"])
        query = page["next"] and f"?count=3&before={page['next']}"
    assert sorted(seen) == [(name, v) for name in ("ann", "mia") for v in ("1.0.0", "1.1.0")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("version=1.0.0", "A version is one of a package. Name the package as well."),
        ("count=501", "The parameter count is a number from 1 to 500, not '501'."),
        ("since=yesterday", "The parameter since is a time such as"),
        ("before=x", "The parameter before is not that of a page of pulls: 'x'."),
        ("before=(1)", "The parameter before is not that of a page of pulls: '(1)'."),
    ],
)
async def test_a_query_that_means_nothing_is_refused(
    shared_world: World, query: str, said: str
) -> None:
    answer = await shared_world.get(f"{PULLS}?{query}", by=shared_world.people.ann)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(said)


async def test_owners_and_administrators_read_it_and_nobody_else(shared_world: World) -> None:
    people = shared_world.people
    for suffix in ("", ".csv", ".jsonl"):
        expected = {people.ann: 200, people.admin: 200, people.mia: 403, people.bob: 404}
        for person, status in expected.items():
            assert (await shared_world.get(PULLS + suffix, by=person)).status_code == status
        reader = await limited(shared_world, people.ann, "read")
        assert (await shared_world.get(PULLS + suffix, by=reader)).status_code == 403


async def test_it_is_exported_as_json_lines_and_as_csv(secret: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        await pull(secret, f"{SECRET}/{version}", secret.people.mia)
    found = await pulls(secret)
    lines = await secret.get(f"{PULLS}.jsonl", by=secret.people.ann)
    assert lines.headers["content-type"].startswith("application/jsonl")
    assert [json.loads(line) for line in lines.text.splitlines()] == found
    table = await secret.get(f"{PULLS}.csv?package=secret", by=secret.people.ann)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="acme-pulls.csv"'
    assert list(csv.DictReader(StringIO(table.text))) == found
    first = await secret.get(f"{PULLS}.csv?count=1", by=secret.people.ann)
    assert 'rel="next"' in first.headers["link"]
    rest = first.headers["link"].partition("<")[2].partition(">")[0]
    second = await secret.get(f"{PULLS}.csv{rest}", by=secret.people.ann)
    assert list(csv.DictReader(StringIO(first.text + second.text.partition("\n")[2]))) == found


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_runs_no_cell(begin: str) -> None:
    assert safe_cell(f"{begin}cmd|' /C calc'!A0") == f"'{begin}cmd|' /C calc'!A0"
    assert safe_cell(f"greet{begin}1") == f"greet{begin}1"
    assert safe_cell("") == ""


async def test_pulls_are_kept_for_ninety_days(secret: World) -> None:
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    assert len(await pulls(secret)) == 1
    secret.clock.advance(KEPT_FOR - timedelta(hours=1))
    renewed = await limited(secret, secret.people.ann, "manage")
    await pull(secret, f"{SECRET}/1.1.0", secret.people.mia)
    assert len(await pulls(secret, by=renewed)) == 2
    secret.clock.advance(timedelta(hours=2))
    assert who(await pulls(secret, by=renewed)) == [("mia", "1.1.0")]
    await secret.registry.maintenance.task_runner.run("delete-expired-records")
    mias = await secret.stores.pull_records.of_principal(secret.people.mia.account.id, 9)
    assert [each.version for each in mias] == ["1.1.0"]


async def test_a_later_organization_of_the_name_does_not_see_earlier_pulls(secret: World) -> None:
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    assert len(await pulls(secret)) == 1
    organization = await secret.stores.directory.get(Organization, organization_place("acme"))
    assert organization is not None
    later = organization.model_copy(update={"created_ms": secret.clock.now_ms() + 1})
    await secret.stores.directory.replace(later)
    assert await pulls(secret) == []


async def test_a_pull_waits_for_no_write_and_is_stored_within_ten_seconds(
    worlds: OpenWorld,
) -> None:
    fault = Fault("record", Busy())

    def broken(stores: Adapters) -> Adapters:
        return replace(stores, pull_records=fault.over(stores.pull_records))

    world = await worlds(wrap=broken)
    await published(world)
    assert await pull(world, f"{SECRET}/1.0.0", world.people.mia) == 302
    assert timedelta(seconds=10) > FLUSH_AFTER
    recorder = world.registry.packages.pull_recorder
    recorder._flushing._after = timedelta(0)
    with pytest.raises(Busy):
        await recorder.flush()
    assert who(await pulls(world)) == [("mia", "1.0.0")]


async def test_the_pulls_of_an_account_that_was_erased_meanwhile_are_not_stored(
    secret: World,
) -> None:
    mia = secret.people.mia
    await pull(secret, f"{SECRET}/1.0.0", mia)
    await pull(secret, f"{SECRET}/1.0.0", secret.people.ann)
    account = await secret.registry.identity.accounts.by_id(mia.account.id)
    erasures = secret.registry.administration.account_erasures
    await erasures.erase_now(account, "Request 7", by=OPERATOR)
    assert who(await pulls(secret)) == [("ann", "1.0.0")]
    assert await secret.stores.pull_records.of_principal(mia.account.id, 9) == []


async def test_an_erasure_deletes_the_pulls_of_the_account_and_says_how_many(secret: World) -> None:
    mia = secret.people.mia
    await pull(secret, f"{SECRET}/1.0.0", mia)
    await pull(secret, f"{SECRET}/1.1.0", mia)
    await pull(secret, f"{SECRET}/1.0.0", secret.people.ann)
    assert len(await pulls(secret)) == 3
    account = await secret.registry.identity.accounts.by_id(mia.account.id)
    receipt = await secret.registry.administration.account_erasures.erase_now(
        account, "Request 7", by=OPERATOR
    )
    assert receipt.deleted["recorded pulls"] == 2
    assert who(await pulls(secret)) == [("ann", "1.0.0")]


async def test_a_pull_from_before_the_package_was_public_stays_recorded(secret: World) -> None:
    await pull(secret, f"{SECRET}/1.0.0", secret.people.mia)
    await secret.registry.packages.visibility.change(
        Package.parse("acme", "secret"), Visibility.PUBLIC, by=secret.fresh(secret.people.ann)
    )
    await pull(secret, f"{SECRET}/1.0.0", secret.people.ann)
    assert who(await pulls(secret)) == [("mia", "1.0.0")]
