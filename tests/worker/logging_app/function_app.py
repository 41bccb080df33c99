"""An app whose Function logs by the root logger and another one, before and after it waits."""

import asyncio
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("log/{name}")
async def log_lines(req: func.HttpRequest) -> func.HttpResponse:
    name = req.route_params["name"]
    logging.getLogger().info("%s begins", name)
    await asyncio.sleep(0)  # Other requests begin meanwhile.
    logging.getLogger("ballroom").warning("%s goes on", name)
    logging.getLogger("ballroom").error("%s ends", name)
    return func.HttpResponse(status_code=204)
