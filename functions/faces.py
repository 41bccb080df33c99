"""The app: the Functions of all faces, and the one for every other path."""

import asyncio
from functools import cache
from importlib import import_module

import azure.functions as func
from pydantic import BaseModel

from functions import timers
from functions.api.api_face import ResponseModel
from functions.api.openapi import openapi_document
from functions.central.double_slash import double_slash_face
from functions.central.graphql import EXECUTION
from functions.html.page_templates import prepare_templates
from functions.http.operations import Operation, blueprint_of
from functions.scim.scim_face import LIBRARY_MODULES
from functions.web.manual import manual_of
from functions.web.unknown_paths import missing_operation
from shared.domain.records import Record
from shared.prose.rendering import render_markdown
from shared.prose.text_links import TextPlace
from shared.registry import Registry
from shared.registry.identity_providers import identity_issuers
from shared.settings import Settings
from shared.use_cases.inputs import Inputs

# Each module has `FACES`, whose operations it declares. They are named by their paths, because a
# topic has the same name on every face.
MODULES = (
    "account.advisories",
    "account.approved_packages",
    "account.audit_log",
    "account.device_login",
    "account.following",
    "account.invitations",
    "account.name_disputes",
    "account.organization",
    "account.organization_packages",
    "account.organizations",
    "account.overview",
    "account.pulls",
    "account.reports",
    "account.rules",
    "account.security",
    "account.sign_in",
    "account.staged_releases",
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
    "health",
    "log.files",
    "log.witness",
    "manage.accounts",
    "manage.advisories",
    "manage.approved_packages",
    "manage.directory_locks",
    "manage.mirror",
    "manage.moderation",
    "manage.name_disputes",
    "manage.organizations",
    "manage.ownership",
    "manage.releases",
    "manage.reports",
    "manage.reserved_names",
    "manage.rights",
    "manage.rules",
    "manage.scim",
    "manage.status",
    "maven.repository",
    "mcp.protocol",
    "metrics",
    "osv",
    "scim.discovery",
    "scim.groups",
    "scim.search",
    "scim.users",
    "sparse_index",
    "web.about",
    "web.advisories",
    "web.badges",
    "web.compare",
    "web.directories",
    "web.feeds",
    "web.home",
    "web.manual",
    "web.organizations",
    "web.package.api_docs",
    "web.package.files",
    "web.package.pages",
    "web.policies",
    "web.search",
    "web.site_files",
    "web.unknown_paths",
)


def operations(settings: Settings) -> tuple[Operation, ...]:
    return _with_derived(tuple(each for each in _declared() if each.exists(settings)))


@cache
def _declared() -> tuple[Operation, ...]:
    modules = [import_module(f"functions.{name}") for name in MODULES]
    return tuple(each for module in modules for face in module.FACES for each in face)


@cache
def _with_derived(declared: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Add those that follow from the routes of all others: for paths with two slashes, and for
    every other path and method."""
    served = (*declared, *double_slash_face(declared))
    return (*served, missing_operation(served))


async def build_models() -> None:
    """Build the models of records, inputs and answers that are imported; else each is built when it
    is first used.

    On the event loop, because Pydantic does not promise that threads may build models, and one in
    each of its iterations: a request waits for one model, at most 3 of 100 ms, and not for all.
    """
    for base in (Record, Inputs, ResponseModel):
        await _build_below(base)


async def _build_below(base: type[BaseModel]) -> None:
    for model in base.__subclasses__():
        if model.model_rebuild():  # Otherwise a request has built the model already.
            await asyncio.sleep(0)
        await _build_below(model)


def warm_up(settings: Settings) -> None:
    """Load what the first requests need (templates, GraphQL, the OpenAPI document, the manual,
    keys, SCIM), so that they do not wait for it.

    The order is that in which clients may need it. It takes about a second of processor time; a
    request that comes before its part is loaded loads it itself.
    """
    prepare_templates()
    import_module(EXECUTION)
    openapi_document(settings.base_url, settings.readers)
    manual_of(settings)
    render_markdown("", TextPlace(""))  # Imports and builds the parser.
    import_module("shared.auth.p256")  # The first push and metrics need it.
    if identity_issuers(settings):  # Otherwise no directory can provision people.
        for name in LIBRARY_MODULES:
            import_module(name)


def build_app(registry: Registry) -> func.FunctionApp:
    """Return the app with every Function of the registry.

    An app for reads or for uploads leaves what runs without requests to the app for changes.
    """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.register_functions(blueprint_of(operations(registry.settings), registry))
    if registry.settings.app_role in ("all", "changes"):
        app.register_functions(timers.blueprint(registry))
    return app
