"""The app that the Functions host loads: every Function of every face, over one registry."""

import azure.functions as func

from functions import (
    account,
    api_docs,
    archives,
    central_ide,
    central_manage,
    central_preflight,
    central_pull,
    central_push,
    central_resolve,
    central_search,
    central_tools,
    health,
    timers,
    token,
)
from shared.bootstrap import build_registry
from shared.registry import Registry
from shared.settings import Settings

FACES = (
    account, api_docs, archives, central_ide, central_manage, central_preflight, central_pull,
    central_push, central_resolve, central_search, central_tools, health, timers, token,
)  # fmt: skip


def build_app(registry: Registry) -> func.FunctionApp:
    """Return the app with every face over `registry`."""
    built = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for face in FACES:
        built.register_functions(face.blueprint(registry))
    return built


app = build_app(build_registry(Settings.load()))
