"""GET /about…: how to use this registry, its policies, its status, and its API."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.api.openapi import operations_by_group
from functions.http.formatting import machine_moment
from functions.http.propagation import propagation_times
from functions.http.public_pages import READ_METHODS, PageRequest, PublicPages
from functions.http.responses import JSON
from functions.http.task_descriptions import TASK_DESCRIPTIONS
from shared.composition import Registry
from shared.domain.client_settings import client_settings
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import PageNotFound
from shared.domain.maintenance_tasks import TaskResult, TaskState
from shared.domain.members import INVITATION_LIFETIME, OWNER_CHANGE_DELAY
from shared.domain.names import RESERVED_PREFIX
from shared.domain.notices import NoticeBoard, NoticeStage

# The pages, in the order of their menu.
ABOUT_PAGES = (
    ("", "/about", "How to use"),
    ("api", "/about/api", "API"),
    ("policies", "/about/policies", "Policies"),
    ("status", "/about/status", "Status"),
)

AboutPageHandler = Callable[[Registry, PageRequest], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class RegistryHealth:
    """How the registry is, as far as it can tell."""

    answers: bool
    is_writable: bool
    overdue: tuple[str, ...]
    troubled: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Say whether there is nothing to tell."""
        return self.answers and self.is_writable and not self.overdue and not self.troubled


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the pages about the registry."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("about/{page?}", methods=READ_METHODS)
    @pages.page
    async def web_about(look: PageRequest) -> func.HttpResponse:
        page = look.route.get("page", "")
        shown = _HANDLERS.get(page)
        if shown is None:
            raise PageNotFound(f"/about/{page}")
        return await shown(registry, look)

    return bp


async def _usage(registry: Registry, look: PageRequest) -> func.HttpResponse:
    settings = registry.settings
    return look.show(
        "web/about/use.html",
        places=ABOUT_PAGES,
        place="",
        url=settings.base_url,
        text=client_settings(settings.base_url, "me"),
    )


async def _api(_registry: Registry, look: PageRequest) -> func.HttpResponse:
    groups = operations_by_group(look.url)
    return look.show(
        "web/about/api.html", places=ABOUT_PAGES, place="api", groups=groups, url=look.url
    )


async def _policies(registry: Registry, look: PageRequest) -> func.HttpResponse:
    return look.show(
        "web/about/policies.html",
        places=ABOUT_PAGES,
        place="policies",
        settings=registry.settings,
        reaches=propagation_times(registry.settings),
        reserved_prefix=RESERVED_PREFIX,
        cooling_off=OWNER_CHANGE_DELAY,
        invited_for=INVITATION_LIFETIME,
    )


async def _status(registry: Registry, look: PageRequest) -> func.HttpResponse:
    standings = [each for each in await _task_states(registry) if each.due_ms is not None]
    health = await _health(registry, standings, look.now_ms)
    showcase = await registry.statistics.summary()
    newest_ms = showcase.updated[0].release.created_ms if showcase.updated else None
    bulletin = await registry.notice_cache.current()
    if look.wants(JSON):
        return look.json(
            {**_status_json(health, standings, newest_ms), **_told(bulletin, look.now_ms)}
        )
    return look.show(
        "web/about/status.html",
        places=ABOUT_PAGES,
        place="status",
        health=health,
        read_only=bulletin.read_only,
        standings=standings,
        tasks=TASK_DESCRIPTIONS,
        showcase=showcase,
        newest_ms=newest_ms,
    )


async def _task_states(registry: Registry) -> list[TaskState]:
    try:
        return await registry.upkeep.cached_task_states()
    except Unavailable:
        return []


async def _health(registry: Registry, standings: list[TaskState], now_ms: int) -> RegistryHealth:
    try:
        await registry.probe()
    except Unavailable:
        return RegistryHealth(answers=False, is_writable=False, overdue=(), troubled=())
    overdue = tuple(each.task for each in standings if each.is_overdue(now_ms))
    troubled = tuple(
        each.task for each in standings if each.last and each.last.result is not TaskResult.DONE
    )
    is_writable = await _is_writable(registry)
    return RegistryHealth(answers=True, is_writable=is_writable, overdue=overdue, troubled=troubled)


async def _is_writable(registry: Registry) -> bool:
    try:
        await registry.require_writable()
    except Unavailable:
        return False
    return True


def _status_json(
    health: RegistryHealth, standings: list[TaskState], newest_ms: int | None
) -> dict[str, object]:
    return {
        "status": "ready" if health.is_writable else "unavailable",
        "overdue": list(health.overdue),
        "troubled": list(health.troubled),
        "lastRelease": newest_ms and machine_moment(newest_ms),
        "tasks": {each.task: _run(each) for each in standings},
    }


def _told(bulletin: NoticeBoard, now_ms: int) -> dict[str, object]:
    """Return what every page announces, as programs read it."""
    read_only = bulletin.read_only
    return {
        "readOnly": read_only
        and {"reason": read_only.reason, "since": machine_moment(read_only.since_ms)},
        "notices": [
            {
                "text": each.text,
                "mood": each.mood.value,
                "link": each.link or None,
                "from": machine_moment(each.from_ms),
                "until": machine_moment(each.until_ms),
            }
            for each in bulletin.at_stage(NoticeStage.CURRENT, now_ms)
        ],
    }


def _run(standing: TaskState) -> dict[str, object]:
    last = standing.last
    return {
        "last": last and machine_moment(last.ended_ms),
        "result": last and last.result.value,
        "due": machine_moment(standing.due_ms or 0),
    }


_HANDLERS: Mapping[str, AboutPageHandler] = {
    "": _usage,
    "api": _api,
    "policies": _policies,
    "status": _status,
}
