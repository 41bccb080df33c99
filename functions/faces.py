"""Every face of the registry, as one app."""

import azure.functions as func

from functions import (
    account,
    api_audit,
    api_docs,
    api_held,
    api_leaks,
    api_org_tokens,
    api_packages,
    api_provenance,
    api_publishers,
    api_settings,
    api_trusted,
    archives,
    central_ide,
    central_manage,
    central_preflight,
    central_pull,
    central_push,
    central_resolve,
    central_search,
    central_tools,
    device,
    device_api,
    health,
    index,
    login,
    maven,
    static_files,
    timers,
    token,
    token_whoami,
)
from shared.registry import Registry


def build_app(registry: Registry) -> func.FunctionApp:
    """Return the app with every Function over `registry`."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for face in (
        account,
        api_audit,
        api_docs,
        api_held,
        api_leaks,
        api_org_tokens,
        api_packages,
        api_provenance,
        api_publishers,
        api_settings,
        api_trusted,
        archives,
        central_ide,
        central_manage,
        central_preflight,
        central_pull,
        central_push,
        central_resolve,
        central_search,
        central_tools,
        device,
        device_api,
        health,
        index,
        login,
        maven,
        static_files,
        timers,
        token,
        token_whoami,
    ):
        app.register_functions(face.blueprint(registry))
    return app
