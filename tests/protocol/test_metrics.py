"""GET /metrics of a registry on one machine: who reads it, and what it says."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from shared.adapters.system import SystemClock
from shared.bootstrap.backups import back_up
from shared.bootstrap.build import existing_registry
from shared.domain.drills import Drill, DrillOutcome
from shared.localhost import build_host
from shared.services.maintenance.audit_archives import AuditArchives
from shared.settings import Settings
from shared.telemetry.metrics import current_backend, set_backend
from tests.support.archives import bala
from tests.support.server import served_app
from tests.support.storage import one_machine
from tests.support.world import URL, OpenWorld, Template, World, settings_of

pytestmark = one_machine("metrics are those of a machine")

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def backend() -> Iterator[None]:
    """Collect metrics for one test alone."""
    yield
    set_backend(None)


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> Path:
    """Return the data folder of a registry with people."""
    shutil.copytree(template.folder, tmp_path / "data")
    return tmp_path / "data"


def test_a_registry_has_no_metrics_by_default(folder: Path) -> None:
    with served_app(build_host(settings_of(folder))) as server:
        answer = httpx.get(f"{server.url}/metrics")
        assert answer.status_code == 404
        assert current_backend() is None


def test_programs_of_the_machine_read_what_happened(folder: Path) -> None:
    settings = settings_of(folder, metrics="loopback")
    with served_app(build_host(settings)) as server:
        assert httpx.get(f"{server.url}/2.0/registry/packages").status_code == 200
        assert httpx.get(f"{server.url}/packages/acme/missing").status_code == 404
        answer = httpx.get(f"{server.url}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert answer.headers["cache-control"] == "no-store"
        assert 'operation="central_list",outcome="answered"' in answer.text
        assert 'outcome="PackageNotFound"' in answer.text
        assert "# TYPE ballroom_store_duration_seconds histogram" in answer.text
        assert "ballroom_read_only 0.0\n" in answer.text
        assert "\nballroom_disk_free_bytes " in answer.text
        assert "acme" not in answer.text


def test_the_age_of_the_last_backup_is_a_metric(folder: Path, tmp_path: Path) -> None:
    settings = settings_of(folder, metrics="loopback")
    with served_app(build_host(settings)) as server:
        assert "\nballroom_backup_age_seconds +Inf\n" in httpx.get(f"{server.url}/metrics").text
        back_up(settings, tmp_path / "backup")
        text = httpx.get(f"{server.url}/metrics").text
    [age] = re.findall(r"^ballroom_backup_age_seconds (.*)$", text, re.MULTILINE)
    assert float(age) < 3_600
    assert not (tmp_path / "backup" / settings.backed_up.name).exists()


def test_the_last_recovery_drill_is_a_metric(folder: Path) -> None:
    settings = settings_of(folder, metrics="loopback")
    with served_app(build_host(settings)) as server:
        before = httpx.get(f"{server.url}/metrics").text
        assert "\nballroom_drill_age_seconds +Inf\n" in before
        assert "ballroom_drill_seconds" not in before
        at_ms = SystemClock().now_ms()
        failed = Drill(
            at_ms=at_ms,
            seconds={"restore": 4.0, "archives": 5.5},
            problems=("acme/greet:1.0.0: its archive is missing.",),
            outcome=DrillOutcome.PROBLEMS,
        )
        whole = Drill(at_ms=at_ms - 3_600_000, outcome=DrillOutcome.WHOLE)
        for each in (whole, failed):
            asyncio.run(saved(settings, each))
        text = httpx.get(f"{server.url}/metrics").text
    assert "\nballroom_drill_seconds 9.5\n" in text
    assert "\nballroom_drill_restore_seconds 4.0\n" in text
    assert "\nballroom_drill_problems 1.0\n" in text
    [age] = re.findall(r"^ballroom_drill_age_seconds (.*)$", text, re.MULTILINE)
    assert 3_600 <= float(age) < 7_200


async def saved(settings: Settings, drill: Drill) -> None:
    registry = existing_registry(settings)
    await registry.administration.recovery_drills.save(drill)
    await registry.close()


def test_the_age_of_the_signing_key_is_a_metric(folder: Path) -> None:
    [key] = (folder / "keys").glob("*.key")
    key.rename(key.with_name("000000000001000.key"))  # A second after the first of January 1970.
    with served_app(build_host(settings_of(folder, metrics="loopback"))) as server:
        text = httpx.get(f"{server.url}/metrics").text
    found = re.findall(r'^ballroom_signing_key_age_seconds{key="(\w+)"} (.*)$', text, re.MULTILINE)
    ages = {name: float(seconds) for name, seconds in found}
    assert list(ages) == ["links", "releases", "log", "witness"]
    assert ages["links"] > 50 * 365 * 86_400


def test_a_key_of_the_settings_has_no_age(folder: Path) -> None:
    settings = settings_of(folder, metrics="loopback", link_key=SECRET)
    with served_app(build_host(settings)) as server:
        text = httpx.get(f"{server.url}/metrics").text
        assert 'key="releases"' in text
        assert 'key="links"' not in text


async def test_damaged_archives_are_a_metric(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    data = world.registry.settings.data
    [archive] = (data / "archives").rglob("sha256/*/*/*")
    archive.unlink()
    await world.registry.maintenance.task_runner.run(AuditArchives.id)
    await world.registry.close()
    with served_app(build_host(settings_of(data, metrics="loopback"))) as server:
        assert "\nballroom_damaged_archives 1.0\n" in httpx.get(f"{server.url}/metrics").text


def test_a_mirror_has_the_number_of_its_incidents(folder: Path) -> None:
    settings = settings_of(folder, metrics="loopback", upstream="http://127.0.0.1:1")
    with served_app(build_host(settings)) as server:
        assert "\nballroom_mirror_incidents 0.0\n" in httpx.get(f"{server.url}/metrics").text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
    ],
    ids=["forwarded", "claimed", "standard", "nginx"],
)
def test_a_proxy_of_the_machine_reads_nothing(folder: Path, headers: dict[str, str]) -> None:
    with served_app(build_host(settings_of(folder, metrics="loopback"))) as server:
        assert httpx.get(f"{server.url}/metrics", headers=headers).status_code == 404


PREFLIGHT = {"Access-Control-Request-Method": "GET"}


@pytest.mark.parametrize("path", ["/metrics", "/Metrics/", "/%6detrics"])
@pytest.mark.parametrize("metrics", ["loopback", "token", "off"])
def test_no_page_of_a_browser_reads_metrics(folder: Path, metrics: str, path: str) -> None:
    settings = settings_of(folder, metrics=metrics, metrics_token=SECRET)
    headers = {"Origin": "https://store.test"}
    if metrics == "token":
        headers["Authorization"] = f"Bearer {SECRET}"
    with served_app(build_host(settings)) as server:
        answer = httpx.get(f"{server.url}{path}", headers=headers)
        preflight = httpx.options(f"{server.url}{path}", headers=headers | PREFLIGHT)
        assert answer.status_code == (404 if metrics == "off" else 403)
        assert metrics == "off" or "Pages, such as those of https://store.test" in answer.text
        assert preflight.status_code != 204
        for each in (answer, preflight):
            assert "ballroom_request" not in each.text
            assert not [name for name in each.headers if name.startswith("access-control-")]
        listed = f"{server.url}/2.0/registry/packages"
        other = httpx.get(listed, headers={"Origin": "https://store.test"})
        assert other.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:7071", 200),
        ("LOCALHOST.", 200),
        ("127.8.9.1", 200),
        ("[::1]:7071", 200),
        ("registry.test", 200),
        ("rebound.example", 403),
        ("127.0.0.1.rebound.example:7071", 403),
        ("registry.test.rebound.example", 403),
    ],
)
def test_a_name_of_another_site_that_leads_here_reads_no_metrics(
    folder: Path, host: str, status: int
) -> None:
    settings = settings_of(folder, metrics="loopback", url="https://registry.test")
    with served_app(build_host(settings)) as server:
        answer = httpx.get(f"{server.url}/metrics", headers={"Host": host})
        assert answer.status_code == status
        assert status == 200 or "BALLROOM_METRICS=token" in answer.text


def test_with_a_secret_metrics_are_read_by_any_name(folder: Path) -> None:
    settings = settings_of(folder, metrics="token", metrics_token=SECRET)
    headers = {"Host": "monitored.example", "Authorization": f"Bearer {SECRET}"}
    with served_app(build_host(settings)) as server:
        assert httpx.get(f"{server.url}/metrics", headers=headers).status_code == 200


def test_a_secret_reads_metrics_from_anywhere(folder: Path) -> None:
    settings = settings_of(folder, metrics="token", metrics_token=SECRET)
    with served_app(build_host(settings)) as server:
        url = f"{server.url}/metrics"
        forwarded = {"X-Forwarded-For": "203.0.113.9"}
        for given in ("", "Bearer", f"Bearer {SECRET}0", f"Basic {SECRET}"):
            answer = httpx.get(url, headers={"Authorization": given} if given else {})
            assert answer.status_code == 401
            assert "BALLROOM_METRICS_TOKEN" in answer.text
        allowed = {"Authorization": f"Bearer {SECRET}", **forwarded}
        assert httpx.get(url, headers=allowed).status_code == 200


def test_wrong_secrets_of_an_address_are_counted_as_guesses(folder: Path) -> None:
    settings = settings_of(folder, metrics="token", metrics_token=SECRET, limit_failure="address=3")
    with served_app(build_host(settings)) as server:
        url = f"{server.url}/metrics"
        missing = httpx.get(url).json()["error"]["code"]
        answers = [
            httpx.get(url, headers={"Authorization": f"Bearer {SECRET[:-1]}{number}"})
            for number in range(5)
        ]
        right = httpx.get(url, headers={"Authorization": f"Bearer {SECRET}"})
    assert missing == "metrics-token-missing"
    codes = [each.json()["error"]["code"] for each in answers]
    assert codes == ["metrics-token-wrong"] * 3 + ["too-many-failures"] * 2
    assert right.status_code == 200


@pytest.mark.parametrize("secret", [None, "", "short"])
def test_a_token_needs_a_secret_that_nobody_guesses(tmp_path: Path, secret: str | None) -> None:
    with pytest.raises(ValidationError, match="openssl rand -hex 16"):
        Settings.model_validate({"data": tmp_path, "metrics": "token", "metrics_token": secret})


async def test_an_app_that_collects_none_says_so(worlds: OpenWorld) -> None:
    world = await worlds(metrics="token", metrics_token=SECRET)
    await world.push(bala("acme/greet:1.0.0"))
    answer = await world.get(f"{URL}/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 404
    assert "on one machine" in answer.text
