"""Uploads that are lost and said to be done: crates.io 2020, where a failed push looked good.

A push over a real store fails at each of its requests to Blob Storage, once or until somebody mends
it. Whatever the registry answers is true: the release is wholly there, or it is nowhere and a
repeat of the push succeeds.
"""

import socketserver
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import httpx
import pytest

from shared.domain.archives.digests import Digest
from tests.fakes.blob_storage import Failure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import FORM, multipart
from tests.sampling import covering
from tests.support.archives import bala
from tests.support.authorities import Certificate, CertificateAuthority
from tests.support.bicep_templates import module
from tests.support.cloud_registry import CloudRegistry, clouded
from tests.support.served_handlers import serving_thread
from tests.support.terminal import Terminal
from tests.support.world import BASE

GREET = "acme/greet:1.0.0"
ARCHIVE = bala(GREET, padding=1_500_000)  # Sent in two pieces and a list of them.
PATH = f"{BASE}/packages/acme/greet"


async def push(cloud: CloudRegistry) -> httpx.Response:
    """Send the archive once; no client repeats anything here."""
    headers = {**FORM, **cloud.as_ann}
    form = multipart("acme-greet-any-1.0.0.bala", ARCHIVE)
    return await cloud.http.post(f"{BASE}/packages", headers=headers, content=form)


@pytest.fixture(scope="module")
async def asked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what a push that nothing disturbs asks of Blob Storage."""
    async with clouded(tmp_path_factory.mktemp("undisturbed")) as undisturbed:
        undisturbed.outage.asked.clear()
        assert (await push(undisturbed)).status_code == 204
        assert undisturbed.outage.asked
        return list(undisturbed.outage.asked)


async def seen(cloud: CloudRegistry) -> list[int]:
    """Return how each way to a release answers."""
    pull = dict(ACCEPT_ARCHIVE)
    found = await cloud.http.get(f"{BASE}/packages?q=greet")
    answers = [
        await cloud.http.get(PATH),
        await cloud.http.get(f"{PATH}/1.0.0"),
        await cloud.http.get(f"{PATH}/1.0.0", headers=pull),
        await cloud.http.get(f"{PATH}/*", headers=pull),
    ]
    return [*(answer.status_code for answer in answers), found.json()["count"]]


NOWHERE = [404, 404, 404, 404, 0]
THERE = [200, 200, 302, 302]


async def check_whole(cloud: CloudRegistry) -> None:
    """Check that everybody gets what was pushed, with and without a token."""
    assert (await seen(cloud))[:4] == THERE
    for client in (cloud.anyone, cloud.ann):
        pulled = await client.pull(GREET)
        assert Digest.of(pulled.content) == Digest.of(ARCHIVE)
    report = await cloud.registry.maintenance.task_runner.run("audit-archives")
    assert report
    assert report.problems == ()


def failures(asked: list[str]) -> list[tuple[int, Failure]]:
    """Return which request fails how: each of them, and in each way; all pairs in full tables."""
    rows = product(range(len(asked)), Failure)
    return covering(rows, lambda row: row[0], lambda row: row[1], seed="uploads")


async def test_a_push_during_an_outage_is_wholly_there_or_nowhere_and_a_repeat_succeeds(
    tmp_path: Path, asked: list[str]
) -> None:
    for first, failure in failures(asked):
        async with clouded(tmp_path / f"{first} {failure.value}") as cloud:
            cloud.outage.begin(failure, first)
            answer = await push(cloud)
            cloud.outage.end()
            if answer.status_code == 204:
                await check_whole(cloud)
            else:
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0
                assert await seen(cloud) in (NOWHERE, [*THERE, 0], [*THERE, 1])
            assert (await push(cloud)).status_code == 204
            await check_whole(cloud)


async def test_one_request_that_fails_is_repeated_and_nobody_notices(
    tmp_path: Path, asked: list[str]
) -> None:
    for first, failure in failures(asked):
        async with clouded(tmp_path / f"{first} {failure.value}") as cloud:
            cloud.outage.begin(failure, first, count=1)
            assert (await push(cloud)).status_code == 204
            await check_whole(cloud)


def test_the_cloud_alerts_a_fortnight_before_the_certificate_expires() -> None:
    days = {each["name"]: each["daysOfCertificate"] for each in module("alerts").value("probes")}
    assert days["certificate"] >= 14
    assert "SSLCertRemainingLifetimeCheck: probe.daysOfCertificate" in module("alerts").text


@contextmanager
def serving(certificate: Certificate) -> Generator[int]:
    """Serve handshakes with the certificate on this machine; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)

    class Handshake(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                context.wrap_socket(self.request, server_side=True).close()

    with socketserver.TCPServer(("127.0.0.1", 0), Handshake) as server, serving_thread(server):
        yield server.server_address[1]


DAYS = [(20, ""), (13, "Renew it, and see why"), (-1, "Renew it now")]


@pytest.mark.parametrize(("days", "way_out"), DAYS)
def test_doctor_names_a_certificate_file_that_ends_within_a_fortnight(
    tmp_path: Path, days: int, way_out: str
) -> None:
    issued = CertificateAuthority.create(tmp_path).issue(
        "registry.test", lasts=timedelta(days=days)
    )
    files = {"BALLROOM_TLS_CERT": str(issued.chain), "BALLROOM_TLS_KEY": str(issued.key)}
    check_doctor(tmp_path / "data", way_out, BALLROOM_URL="http://127.0.0.1", **files)


@pytest.mark.parametrize(("days", "way_out"), DAYS)
def test_doctor_names_a_certificate_at_the_address_that_ends_within_a_fortnight(
    tmp_path: Path, days: int, way_out: str
) -> None:
    authority = CertificateAuthority.create(tmp_path)
    with serving(authority.issue("127.0.0.1", lasts=timedelta(days=days))) as port:
        settings = {"BALLROOM_CA_FILE": str(authority.file)}
        address = f"https://127.0.0.1:{port}"
        check_doctor(tmp_path / "data", way_out, BALLROOM_URL=address, **settings)


def check_doctor(data: Path, way_out: str, **settings: str) -> None:
    """Check what doctor says of the certificate, and that it is a problem unless it is valid."""
    result = Terminal(data).invoke("doctor", **settings)
    [line] = [each for each in result.stdout.splitlines() if " certificate " in each[:22]]
    assert line.split()[0] == ("problem" if way_out else "ok")
    assert way_out in line


async def test_files_stored_before_the_record_are_deleted_unless_the_push_is_repeated(
    tmp_path: Path,
) -> None:
    async with clouded(tmp_path) as cloud:
        cloud.outage.begin(first=3)
        assert (await push(cloud)).status_code == 503
        cloud.outage.end()
        cloud.clock.at_ms += 2 * 86_400_000
        report = await cloud.registry.maintenance.task_runner.run("delete-orphaned-archives")
        assert report
        assert report.problems == ()
        assert [each async for each in cloud.registry.adapters.archives.list(2**60)] == []
        assert await seen(cloud) == NOWHERE
