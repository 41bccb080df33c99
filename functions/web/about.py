"""GET /about…: how to use this registry, its policies, promises, status, and API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from functions.api.openapi import operations_by_group
from functions.html.pipelines import EXAMPLE_ORG, render_pipeline
from functions.html.public_pages import PublicPageCall, PublicPages
from functions.http.scripts import script_digests
from shared.auth.release_keys import ReleaseKey
from shared.domain.archives.limits import DEFAULT_LIMITS
from shared.domain.errors.base import Unavailable
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.invitations import INVITATION_LIFETIME
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import parse_org
from shared.domain.reserved_names import RESERVED_PREFIX
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.tasks import TaskResult, TaskState
from shared.domain.trusted_publishing.presets import CI_SYSTEMS, PipelineForm
from shared.registry import Registry
from shared.runtime.answers import Answer

# The pages in the order of their menu: last segment, path, title.
ABOUT_PAGES = (
    ("", "/about", "Getting started"),
    ("publish", "/about/publish", "Publish from CI"),
    ("api", "/about/api", "API"),
    ("api-changes", "/about/api-changes", "API changes"),
    ("policies", "/about/policies", "Policies"),
    ("trust", "/about/trust", "Trust"),
    ("log", "/about/log", "Transparency log"),
    ("status", "/about/status", "Status"),
)

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


async def _publish(call: PublicPageCall) -> Answer:
    """Show the pipelines of a CI system for an organization, in both forms."""
    asked = call.redacted_query.get("provider", "")
    org = call.redacted_query.get("org", "")
    system = next((each for each in CI_SYSTEMS if each.key == asked), CI_SYSTEMS[0])
    name = parse_org(org) if org else EXAMPLE_ORG
    query = f"&org={name}" if org else ""
    files = [render_pipeline(each, call.base_url, name) for each in system.pipelines]
    return _show(
        call,
        "publish",
        "publish",
        system=system,
        org=org,
        url=call.base_url,
        tabs=[
            (each.key, f"/about/publish?provider={each.key}{query}", each.title)
            for each in CI_SYSTEMS
        ],
        with_step=[each for each in files if each.pipeline.form is PipelineForm.STEP],
        without_step=[each for each in files if each.pipeline.form is PipelineForm.SHELL],
        digests=script_digests(call.base_url),
    )


async def _api(call: PublicPageCall) -> Answer:
    groups = operations_by_group(call.registry.settings.readers)
    return _show(call, "api", "api", groups=groups, url=call.base_url)


async def _api_changes(call: PublicPageCall) -> Answer:
    return _show(call, "api_changes", "api-changes")


async def _policies(call: PublicPageCall) -> Answer:
    return _show(
        call,
        "policies",
        "policies",
        settings=call.registry.settings,
        reserved_prefix=RESERVED_PREFIX,
        archive_limits=DEFAULT_LIMITS,
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


async def _log(call: PublicPageCall) -> Answer:
    transparency = call.registry.transparency
    shown = await transparency.publication.shown()
    witness = await transparency.witness.shown()
    return _show(call, "log", "log", url=call.base_url, log=shown, witness=witness)


async def _trust(call: PublicPageCall) -> Answer:
    """Show what the registry promises; also while its stores or keys cannot be read."""
    registry = call.registry
    log = None
    with suppress(Unavailable):
        log = await registry.transparency.publication.shown()
    keys: Sequence[ReleaseKey] = ()
    with suppress(Unavailable):
        keys = await registry.release_keys()
    return _show(
        call,
        "trust",
        "trust",
        url=call.base_url,
        settings=registry.settings,
        log=log,
        keys=keys,
        cooling_off=OWNER_CHANGE_DELAY,
        version=SOFTWARE_VERSION,
    )


_HANDLERS: Mapping[str, AboutPageHandler] = {
    "": _usage,
    "api": _api,
    "api-changes": _api_changes,
    "log": _log,
    "policies": _policies,
    "publish": _publish,
    "status": _status,
    "trust": _trust,
}


def _show(call: PublicPageCall, template: str, page: str, **values: object) -> Answer:
    path = f"web/about/{template}.html"
    return call.show(path, status=200, nav_links=ABOUT_PAGES, current_page=page, **values)


class RegistryHealth(Struct, frozen=True):
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
        return await registry.maintenance.task_runner.cached_task_states()
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
    is_writable = True
    try:
        await registry.require_writable()
    except Unavailable:
        is_writable = False
    return RegistryHealth(answers=True, is_writable=is_writable, overdue=overdue, troubled=troubled)
