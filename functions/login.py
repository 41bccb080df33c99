"""GET /login.py: the script that logs a machine in, for people who have nothing of ours."""

import azure.functions as func

from functions._documents import Document, document_answer
from functions._pages import page_errors
from shared.login.script import login_script
from shared.registry import Registry

PYTHON = "text/x-python"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that hands out the script; its address comes from the settings."""
    bp = func.Blueprint()

    @bp.route("login.py", methods=["GET", "HEAD"])
    @page_errors
    async def login_file(req: func.HttpRequest) -> func.HttpResponse:
        script = login_script(registry.settings.base_url).encode()
        return document_answer(req, Document(script, PYTHON, is_public=True))

    return bp
