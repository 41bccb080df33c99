"""/metrics: the metrics of a registry on one machine, in the form of Prometheus."""

import asyncio
import hmac
import math
import shutil
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call, anonymous_caller, verify_credential
from functions.http.operations import JsonFace
from shared.domain.client_addresses import is_loopback
from shared.domain.errors.base import Forbidden, Unauthenticated, printable
from shared.domain.errors.packages import PathNotFound
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.services.maintenance.audit_archives import AuditArchives
from shared.settings import Settings
from shared.telemetry.metrics import current_backend


class MetricsFace(JsonFace[Call]):
    """The metrics, which no page of another site reads."""

    call_type = Call


machine = MetricsFace()
FACES = (machine,)

METRICS = "metrics"


def _is_enabled(settings: Settings) -> bool:
    return settings.metrics != "off"


@machine.read(METRICS, ignores_credentials=True, exists=_is_enabled, serves_anonymous_always=True)
async def metrics_text(call: Call) -> Answer:
    await _require_access(call)
    # Imported here, so that it is only loaded if metrics are enabled.
    from shared.telemetry.prometheus import MEDIA_TYPE, PrometheusBackend  # noqa: PLC0415

    backend = current_backend()
    if not isinstance(backend, PrometheusBackend):
        raise PathNotFound(METRICS, "Metrics are collected only by a registry on one machine.")
    gauges = await _gauges(call.registry)
    ages = await call.registry.administration.key_ages.seconds()
    text = await asyncio.to_thread(backend.exposition, gauges, ages)
    return Answer(text, 200, dict(NO_STORE), MEDIA_TYPE)


async def _require_access(call: Call) -> None:
    settings = call.registry.settings
    if origin := call.header("origin"):
        raise Forbidden(
            "metrics-for-programs",
            f"Pages, such as those of {printable(origin)}, may not read the metrics. Read them "
            "with a program, which sends no Origin header.",
        )
    if settings.metrics == "loopback":
        if not _is_from_this_machine(call):
            raise PathNotFound(METRICS, "Metrics are for programs on the machine of the registry.")
        _require_own_host(call)
        return
    await _require_token(call)


async def _require_token(call: Call) -> None:
    """Raise `metrics-token-missing` or `metrics-token-wrong`; a wrong token counts as a guess."""
    settings = call.registry.settings
    scheme, _, given = call.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise Unauthenticated(
            "metrics-token-missing",
            "Metrics need the secret of BALLROOM_METRICS_TOKEN as a bearer token.",
        )

    async def verify() -> None:
        expected = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            raise Unauthenticated(
                "metrics-token-wrong",
                "The bearer token is not the secret of BALLROOM_METRICS_TOKEN, which metrics need.",
            )

    address = anonymous_caller(call.headers, settings.proxies).address
    await verify_credential(verify, given, call.registry, address=address)


def _require_own_host(call: Call) -> None:
    """Raise `foreign-host` for a name that a page chose: its owner may let it lead here, and a
    browser then takes this registry for a part of the page's own site."""
    given = call.header("host")
    try:
        host = (urlsplit(f"//{given}").hostname or "").removesuffix(".")
    except ValueError:
        host = ""
    own = urlsplit(call.registry.settings.base_url).hostname
    if host != own and not is_loopback(host):
        raise Forbidden(
            "foreign-host",
            f"The host {printable(given)} of the request is not this machine. Ask 127.0.0.1 or "
            "localhost for the metrics, or set BALLROOM_METRICS=token.",
        )


def _is_from_this_machine(call: Call) -> bool:
    """Check whether a program of this machine sent the request: a reverse proxy on it adds the
    address of its client to that of the connection."""
    if call.header("forwarded") or call.header("x-real-ip"):
        return False
    try:
        return ip_address(call.header("x-forwarded-for")).is_loopback
    except ValueError:
        return False


async def _gauges(registry: Registry) -> Mapping[str, tuple[str, float]]:
    """Return the gauges, which are read when they are asked for, with their meanings."""
    now_ms = registry.clock.now_ms()
    tasks = await registry.maintenance.task_runner.cached_task_states()
    disk = shutil.disk_usage(registry.settings.data)
    read_only = (await registry.limits.notice_cache.current()).read_only is not None
    overdue = sum(each.due_ms is not None and each.is_overdue(now_ms) for each in tasks)
    gauges: dict[str, tuple[str, float]] = {
        "ballroom_tasks_overdue": ("Maintenance tasks that are overdue.", overdue),
        "ballroom_read_only": ("1 while the registry is in read-only mode.", float(read_only)),
        "ballroom_disk_free_bytes": ("Free space of the disk with the data folder.", disk.free),
        "ballroom_disk_size_bytes": ("Size of the disk with the data folder.", disk.total),
        "ballroom_damaged_archives": (
            "Problems that the last run of the task audit-archives found, at most 20.",
            sum(
                len(each.last_run.problems)
                for each in tasks
                if each.task == AuditArchives.id and each.last_run
            ),
        ),
        "ballroom_backup_age_seconds": (
            "Time since the last backup by the command backup; infinite if there was none.",
            _backup_age(registry.settings, now_ms),
        ),
    }
    gauges |= await _drill_gauges(registry, now_ms)
    if registry.mirroring:
        incidents = len(await registry.mirroring.reader.pins.incidents())
        about = "Releases whose archives an upstream changed."
        gauges["ballroom_mirror_incidents"] = (about, incidents)
    return gauges


async def _drill_gauges(registry: Registry, now_ms: int) -> Mapping[str, tuple[str, float]]:
    """Return when the last recovery drill was that found nothing wrong, and what the last one
    found."""
    drills = registry.administration.recovery_drills
    whole = await drills.last_whole_drill()
    gauges = {
        "ballroom_drill_age_seconds": (
            "Time since the last drill that found nothing wrong; infinite if there was none.",
            math.inf if whole is None else (now_ms - whole.at_ms) / 1_000,
        )
    }
    last = await drills.last_drill()
    if last is not None:
        gauges |= {
            "ballroom_drill_seconds": ("Time that the last drill took.", last.total_seconds),
            "ballroom_drill_restore_seconds": (
                "Time of the last drill until the registry could have been started.",
                last.restore_seconds,
            ),
            "ballroom_drill_problems": (
                "Problems that the last drill found, at most 20.",
                len(last.problems),
            ),
        }
    return gauges


def _backup_age(settings: Settings, now_ms: int) -> float:
    """Return the seconds since the last complete backup; infinite if there was none."""
    try:
        return now_ms / 1_000 - settings.backed_up.stat().st_mtime
    except OSError:
        return math.inf
