"""GET /about…: how to use this registry, its quality score, policies, status, and API."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from functions.api.openapi import operations_by_group
from functions.http.answers import JSON
from functions.http.formatting import machine_moment
from functions.http.propagation import propagation_times
from functions.http.public_pages import PublicPageCall, PublicPages
from shared.composition import Registry
from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import PageNotFound
from shared.domain.member_rules import OWNER_CHANGE_DELAY
from shared.domain.members import INVITATION_LIFETIME
from shared.domain.names import RESERVED_PREFIX
from shared.domain.notices import NoticeBoard, NoticeStage
from shared.domain.quality import GUIDE, MAINTAINED_FOR, RULES
from shared.domain.status import SOFTWARE_VERSION
from shared.domain.task_runs import TaskResult, TaskState
from shared.runtime.answers import Answer

# The pages in the order of their menu: last segment, path, title.
ABOUT_PAGES = (
    ("", "/about", "Getting started"),
    ("api", "/about/api", "API"),
    ("quality", GUIDE, "Quality score"),
    ("api-changes", "/about/api-changes", "API changes"),
    ("policies", "/about/policies", "Policies"),
    ("status", "/about/status", "Status"),
)

_LICENSE_LIST = "https://spdx.org/licenses/"
_SOURCE_EXAMPLE = "https://github.com/acme/greet"

AboutPageHandler = Callable[[PublicPageCall], Awaitable[Answer]]


pages = PublicPages()
FACES = (pages,)


@pages.read("about/{page?}")
async def web_about(call: PublicPageCall) -> Answer:
    page = call.redacted_route.get("page", "")
    handler = _HANDLERS.get(page)
    if handler is None:
        raise PageNotFound(f"/about/{page}")
    return await handler(call)


@pages.read("cli-token")
async def web_cli_token(call: PublicPageCall) -> Answer:
    # Older versions of `bal push` open this page and wait for a token on a port of the machine.
    # They get none: every program there may listen, and every page may lead a browser here.
    return _show(call, "cli_token", "", url=call.base_url)


async def _usage(call: PublicPageCall) -> Answer:
    text = call.registry.client_settings("me")
    return _show(call, "use", "", url=call.base_url, text=text, version=SOFTWARE_VERSION)


async def _api(call: PublicPageCall) -> Answer:
    groups = operations_by_group(call.base_url)
    return _show(call, "api", "api", groups=groups, url=call.base_url)


async def _quality(call: PublicPageCall) -> Answer:
    return _show(
        call,
        "quality",
        "quality",
        rules={each.key: each for each in RULES},
        years=MAINTAINED_FOR.days // 365,
        licenses=_LICENSE_LIST,
        source=_SOURCE_EXAMPLE,
    )


async def _api_changes(call: PublicPageCall) -> Answer:
    return _show(call, "api_changes", "api-changes")


async def _policies(call: PublicPageCall) -> Answer:
    return _show(
        call,
        "policies",
        "policies",
        settings=call.registry.settings,
        reaches=propagation_times(call.registry.settings),
        reserved_prefix=RESERVED_PREFIX,
        cooling_off=OWNER_CHANGE_DELAY,
        invited_for=INVITATION_LIFETIME,
    )


async def _status(call: PublicPageCall) -> Answer:
    registry = call.registry
    tasks = [each for each in await _task_states(registry) if each.due_ms is not None]
    health = await _health(registry, tasks, call.now_ms)
    summary = await registry.packages.statistics.summary()
    newest_ms = summary.updated[0].release.created_ms if summary.updated else None
    board = await registry.limits.notice_cache.current()
    if call.wants(JSON):
        status = _status_json(health, tasks, newest_ms)
        return call.json({**status, **_notices_json(board, call.now_ms)})
    return _show(
        call,
        "status",
        "status",
        health=health,
        read_only=board.read_only,
        tasks=tasks,
        summary=summary,
        newest_ms=newest_ms,
    )


_HANDLERS: Mapping[str, AboutPageHandler] = {
    "": _usage,
    "api": _api,
    "quality": _quality,
    "api-changes": _api_changes,
    "policies": _policies,
    "status": _status,
}


def _show(call: PublicPageCall, template: str, place: str, **values: object) -> Answer:
    path = f"web/about/{template}.html"
    return call.show(path, status=200, places=ABOUT_PAGES, place=place, **values)


@dataclass(frozen=True, slots=True)
class RegistryHealth:
    """The state of the registry, as far as it can tell; tasks are named."""

    answers: bool
    is_writable: bool
    overdue: tuple[str, ...]
    troubled: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        return self.answers and self.is_writable and not self.overdue and not self.troubled


async def _task_states(registry: Registry) -> list[TaskState]:
    try:
        return await registry.maintenance.upkeep.cached_task_states()
    except Unavailable:
        return []


async def _health(registry: Registry, tasks: list[TaskState], now_ms: int) -> RegistryHealth:
    try:
        await registry.probe()
    except Unavailable:
        return RegistryHealth(answers=False, is_writable=False, overdue=(), troubled=())
    overdue = tuple(each.task for each in tasks if each.is_overdue(now_ms))
    troubled = tuple(
        each.task for each in tasks if each.last_run and each.last_run.result is not TaskResult.DONE
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
    health: RegistryHealth, tasks: list[TaskState], newest_ms: int | None
) -> dict[str, object]:
    return {
        "status": "ready" if health.is_writable else "unavailable",
        "overdue": list(health.overdue),
        "troubled": list(health.troubled),
        "lastRelease": newest_ms and machine_moment(newest_ms),
        "tasks": {each.task: _task_json(each) for each in tasks},
    }


def _notices_json(board: NoticeBoard, now_ms: int) -> dict[str, object]:
    read_only = board.read_only
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
            for each in board.at_stage(NoticeStage.CURRENT, now_ms)
        ],
    }


def _task_json(task: TaskState) -> dict[str, object]:
    last = task.last_run
    return {
        "last": last and machine_moment(last.ended_ms),
        "result": last and last.result.value,
        "due": machine_moment(task.due_ms or 0),
    }
