"""GET /api/v1/settings.toml: what to put into the settings of `bal`."""

import azure.functions as func

from functions._api import NO_STORE, Operation, api_caller, api_errors
from shared.domain.client_settings import client_settings
from shared.registry import Registry

TOML = "application/toml"
ANYBODY = "me"  # The user name may be any word; the token says who it is.

OPERATIONS = (
    Operation(
        "api_settings_toml",
        "GET",
        "api/v1/settings.toml",
        "Return the Settings.toml of a client of this registry, with a place for a token.",
        200,
        refusals=(),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that hands out settings; tokens are shown once, and not here."""
    bp = func.Blueprint()

    @bp.route("api/v1/settings.toml", methods=["GET", "HEAD"])
    @api_errors
    async def api_settings_toml(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        name = ANYBODY
        if not caller.is_anonymous and not caller.holdings:
            name = (await registry.accounts.profile(caller)).account.name
        text = client_settings(registry.settings.base_url, name)
        return func.HttpResponse(text, headers=NO_STORE, mimetype=TOML)

    return bp
