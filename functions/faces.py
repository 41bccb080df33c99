"""The app: the Functions of all faces, and the app that answers while a setting is invalid."""

from collections.abc import Awaitable, Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

import azure.functions as func

from functions import timers
from functions.central.double_slash import double_slash_face
from functions.http.answers import json_answer
from functions.http.operations import READ_METHODS, WRITE_METHODS, Operation, answer, blueprint_of
from functions.web.not_found import missing_operation
from shared.composition import Registry
from shared.runtime.answers import FunctionResponse
from shared.settings import Settings

# Each module has `FACES`, whose operations it declares. They are named by their paths, because a
# topic has the same name on every face.
MODULES = (
    "account.audit_log",
    "account.organization",
    "account.organization_packages",
    "account.organizations",
    "account.overview",
    "account.security",
    "account.sign_in",
    "account.tokens",
    "account.trusted_publishers",
    "account.webhooks",
    "api.openapi",
    "archives",
    "central.api_docs",
    "central.editors",
    "central.graphql",
    "central.packages",
    "central.resolve",
    "central.search",
    "device.device_login",
    "health",
    "index.sparse_index",
    "manage.accounts",
    "manage.mirror",
    "manage.organizations",
    "manage.releases",
    "manage.status",
    "maven.repository",
    "mcp.protocol",
    "web.about",
    "web.home",
    "web.not_found",
    "web.organizations",
    "web.package.api_docs",
    "web.package.files",
    "web.package.pages",
    "web.search",
    "web.site_files",
)


def operations(settings: Settings) -> tuple[Operation, ...]:
    return _with_doubled(tuple(each for each in _declared() if each.exists(settings)))


@cache
def _declared() -> tuple[Operation, ...]:
    modules = [import_module(f"functions.{name}") for name in MODULES]
    return tuple(each for module in modules for face in module.FACES for each in face)


@cache
def _with_doubled(declared: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Add the one for paths with two slashes, which follows from the routes of all others."""
    return (*declared, *double_slash_face(declared))


def answer_missing(registry: Registry) -> Callable[[Any], Awaitable[object]]:
    """Return the handler of requests that no operation of the registry matches."""
    return partial(answer, missing_operation(operations(registry.settings)), registry)


def build_app(registry: Registry) -> func.FunctionApp:
    """Return the app with every Function of the registry.

    An app for reads or for uploads leaves what runs without requests to the app for changes.
    """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.register_functions(blueprint_of(operations(registry.settings), registry))
    if registry.settings.app_role in ("all", "changes"):
        app.register_functions(timers.blueprint(registry))
    return app


ALL_METHODS = [*READ_METHODS, *WRITE_METHODS]
RETRY_LATER = {"Cache-Control": "no-store", "Retry-After": "60"}


def invalid_settings_app(variable: str) -> func.FunctionApp:
    """Return an app that answers every request with a 503 that names the setting, not its value.

    Without any Function the host would answer 404, which clients take for a missing package.
    """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("{*path}", methods=ALL_METHODS)
    async def refused_settings(req: func.HttpRequest) -> func.HttpResponse:
        message = (
            f"The registry does not run: its setting {variable} cannot be used, and its log says "
            "why. Tell its operator."
        )
        return FunctionResponse(json_answer({"message": message}, 503, RETRY_LATER))

    return app
