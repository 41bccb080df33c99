"""GET /about…: how this registry is used, what it promises, how it is, and its API."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions._api_page import described_api
from functions._http import JSON
from functions._public_pages import METHODS, Look, PublicPages
from functions._reach import reaches
from functions._tasks import TASKS
from functions._words import machine_moment
from shared.domain.bulletin import Bulletin, Stage
from shared.domain.client_settings import client_settings
from shared.domain.errors import PageNotFound, Unavailable
from shared.domain.invitations import INVITATION_LIFETIME
from shared.domain.names import RESERVED_PREFIX
from shared.domain.organizations import COOLING_OFF
from shared.domain.runs import Result, Standing
from shared.registry import Registry

# The pages, in the order of their menu.
PLACES = (
    ("", "/about", "How to use"),
    ("api", "/about/api", "API"),
    ("policies", "/about/policies", "Policies"),
    ("status", "/about/status", "Status"),
)

Shown = Callable[[Registry, Look], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Health:
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

    @bp.route("about/{page?}", methods=METHODS)
    @pages.page
    async def web_about(look: Look) -> func.HttpResponse:
        page = look.route.get("page", "")
        shown = _PAGES.get(page)
        if shown is None:
            raise PageNotFound(f"/about/{page}")
        return await shown(registry, look)

    return bp


async def _use(registry: Registry, look: Look) -> func.HttpResponse:
    settings = registry.settings
    return look.show(
        "web/about/use.html",
        places=PLACES,
        place="",
        url=settings.base_url,
        text=client_settings(settings.base_url, "me"),
    )


async def _api(_registry: Registry, look: Look) -> func.HttpResponse:
    groups = described_api(look.url)
    return look.show("web/about/api.html", places=PLACES, place="api", groups=groups, url=look.url)


async def _policies(registry: Registry, look: Look) -> func.HttpResponse:
    return look.show(
        "web/about/policies.html",
        places=PLACES,
        place="policies",
        settings=registry.settings,
        reaches=reaches(registry.settings),
        reserved_prefix=RESERVED_PREFIX,
        cooling_off=COOLING_OFF,
        invited_for=INVITATION_LIFETIME,
    )


async def _status(registry: Registry, look: Look) -> func.HttpResponse:
    standings = [each for each in await _standings(registry) if each.due_ms is not None]
    health = await _health(registry, standings, look.now_ms)
    showcase = await registry.showcasing.showcase()
    newest_ms = showcase.updated[0].release.created_ms if showcase.updated else None
    bulletin = await registry.bulletins.current()
    if look.wants(JSON):
        return look.json({**_twin(health, standings, newest_ms), **_told(bulletin, look.now_ms)})
    return look.show(
        "web/about/status.html",
        places=PLACES,
        place="status",
        health=health,
        read_only=bulletin.read_only,
        standings=standings,
        tasks=TASKS,
        showcase=showcase,
        newest_ms=newest_ms,
    )


async def _standings(registry: Registry) -> list[Standing]:
    try:
        return await registry.upkeep.standings_lately()
    except Unavailable:
        return []


async def _health(registry: Registry, standings: list[Standing], now_ms: int) -> Health:
    try:
        await registry.probe()
    except Unavailable:
        return Health(answers=False, is_writable=False, overdue=(), troubled=())
    overdue = tuple(each.task for each in standings if each.is_overdue(now_ms))
    troubled = tuple(
        each.task for each in standings if each.last and each.last.result is not Result.DONE
    )
    is_writable = await _is_writable(registry)
    return Health(answers=True, is_writable=is_writable, overdue=overdue, troubled=troubled)


async def _is_writable(registry: Registry) -> bool:
    try:
        await registry.require_writable()
    except Unavailable:
        return False
    return True


def _twin(health: Health, standings: list[Standing], newest_ms: int | None) -> dict[str, object]:
    return {
        "status": "ready" if health.is_writable else "unavailable",
        "overdue": list(health.overdue),
        "troubled": list(health.troubled),
        "lastRelease": newest_ms and machine_moment(newest_ms),
        "tasks": {each.task: _run(each) for each in standings},
    }


def _told(bulletin: Bulletin, now_ms: int) -> dict[str, object]:
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
            for each in bulletin.at_stage(Stage.CURRENT, now_ms)
        ],
    }


def _run(standing: Standing) -> dict[str, object]:
    last = standing.last
    return {
        "last": last and machine_moment(last.ended_ms),
        "result": last and last.result.value,
        "due": machine_moment(standing.due_ms or 0),
    }


_PAGES: Mapping[str, Shown] = {"": _use, "api": _api, "policies": _policies, "status": _status}
