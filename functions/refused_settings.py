"""Every route, while a setting cannot be used: what is wrong, instead of a registry that fails."""

import azure.functions as func

from functions._http import json_answer

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
LATER = {"Cache-Control": "no-store", "Retry-After": "60"}


def refusing_app(variable: str) -> func.FunctionApp:
    """Return an app that answers everything with the name of the setting, and no more of it.

    Without any Function the host answers 404, which clients take for a package that is not there.
    """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("{*path}", methods=METHODS)
    async def refused_settings(req: func.HttpRequest) -> func.HttpResponse:
        message = (
            f"The registry does not run: its setting {variable} cannot be used, and its log says "
            "why. Tell its operator."
        )
        return json_answer({"message": message}, 503, LATER)

    return app
