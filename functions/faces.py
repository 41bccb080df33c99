"""The app: the Functions of all faces, and the app that answers while a setting is invalid."""

from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from typing import cast

import azure.functions as func
from azure.functions.decorators.function_app import Function
from azure.functions.decorators.http import HttpTrigger

from functions.central.double_slash import METHODS, ROUTE, double_slash_blueprint
from functions.http.responses import json_response
from functions.web.not_found import not_found_blueprint
from shared.composition import Registry
from shared.settings.server import AppRole

# Each module has a function `blueprint(registry)`, which returns its Functions.
MODULES = (
    "account.organization.audit_log",
    "account.organization.members",
    "account.organization.packages",
    "account.organization.publishers",
    "account.organization.settings",
    "account.organization.tokens",
    "account.organizations",
    "account.overview",
    "account.personal_data",
    "account.security",
    "account.sign_in",
    "account.tokens",
    "api.openapi",
    "archives",
    "central.api_docs",
    "central.editors",
    "central.graphql",
    "central.packages",
    "central.resolve",
    "central.search",
    "change_feed",
    "device.device_login",
    "health",
    "index.sparse_index",
    "manage.accounts",
    "manage.notices",
    "manage.organizations",
    "manage.releases",
    "manage.status",
    "maven.repository",
    "timers",
    "web.about",
    "web.badges",
    "web.directories",
    "web.feeds",
    "web.home",
    "web.not_found",
    "web.organizations",
    "web.package.api_docs",
    "web.package.files",
    "web.package.pages",
    "web.search",
    "web.site_files",
    "web.symbols",
)

# Without requests: an app that answers reads alone leaves them to the other app.
BACKGROUND_MODULES = frozenset(("change_feed", "timers"))

BlueprintFactory = Callable[[Registry], func.Blueprint]


def factories(role: AppRole = "all") -> Iterator[BlueprintFactory]:
    """Import each module of the role, and yield its function `blueprint`."""
    for name in MODULES:
        if role == "all" or name not in BACKGROUND_MODULES:
            yield cast("BlueprintFactory", import_module(f"functions.{name}").blueprint)


def build_app(registry: Registry, more: Iterable[func.Blueprint] = ()) -> func.FunctionApp:
    """Return the app with every Function over `registry`, and those of `more`.

    The Functions for paths with two slashes and for unknown paths follow from the routes of all
    others.
    """
    faces = [*(blueprint(registry) for blueprint in factories(registry.settings.app_role)), *more]
    # An app gives its Functions once: those of this one are read here, those of the next by a host.
    functions = app_of(faces).get_functions()
    double_slash = double_slash_blueprint(functions)
    return app_of([*faces, double_slash, not_found_blueprint(registry, routes_of(functions))])


def app_of(blueprints: Iterable[func.Blueprint]) -> func.FunctionApp:
    """Return the app with the Functions of these blueprints and of no others."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return app


def routes_of(functions: Iterable[Function]) -> list[tuple[str, Collection[str]]]:
    """Return the route and the methods of each Function, and of the paths with two slashes."""
    triggers = (function.get_trigger() for function in functions)
    http = (each for each in triggers if isinstance(each, HttpTrigger))
    routes = [(each.route or "", {method.value for method in each.methods or ()}) for each in http]
    return [*routes, (ROUTE, METHODS)]


ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
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
        return json_response({"message": message}, 503, RETRY_LATER)

    return app
