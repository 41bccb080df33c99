"""Sends secrets to every Function, and to some that break; what comes out is the test's to search.

`python -m tests.security.secret_probes FOLDER SECRET...` logs to standard error as a registry does,
and writes the names of the Functions that it called and the answers that it got to standard output.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import azure.functions as func
import httpx

from functions.account.sign_in import SignInPages
from functions.api.operations import ApiFace
from functions.central.answers import CentralFace
from functions.faces import build_app
from functions.http.calls import Call
from functions.http.operations import blueprint_of
from shared.auth.tokens import Secret
from shared.composition import Registry
from shared.hosting.host import Host
from shared.runtime.answers import Answer
from tests.support.world import URL, Template, make_template


async def broken(call: Call) -> Answer:
    """Break with secrets in its hands, as a bug would."""
    sent = call.headers["authorization"].split()
    held = (sent, call.content(), Secret(sent[-1]))
    raise RuntimeError(len(held))


def broken_app(registry: Registry) -> func.FunctionApp:
    """Return an app with one Function for each kind of face."""
    faces = {"api": ApiFace(), "central": CentralFace(), "page": SignInPages()}
    for name, face in faces.items():
        face.change(f"break/{name}", name=f"break_{name}", is_open=True)(broken)
    app = func.FunctionApp()
    app.register_functions(blueprint_of(chain.from_iterable(faces.values()), registry))
    return app


def requests(app: func.FunctionApp, secret: str) -> Iterator[tuple[str, httpx.Request]]:
    """Make requests that carry the secret everywhere a secret may be, for every Function."""
    for function in app.get_functions():
        binding = function.get_trigger()
        trigger = binding.get_dict_repr() if binding else {}
        for method in trigger.get("methods", ()):
            url = f"{URL}/{trigger['route']}".replace("{code}", secret)
            for scheme in ("Bearer", "Basic", "Token"):
                headers = {
                    "Authorization": f"{scheme} {secret}",
                    "Cookie": f"__Host-ballroom={secret}; ballroom-local={secret}",
                    "Proxy-Authorization": f"Bearer {secret}",
                }
                body = f'{{"name":"{secret}","password":"{secret}"}}'
                request = httpx.Request(str(method), url, headers=headers, content=body)
                yield str(function.get_function_name()), request


async def call_everything(template: Template, folder: Path, secrets: Sequence[str]) -> None:
    """Send each request once with each secret, and write down what comes back."""
    async with template.world(folder, log_level="debug") as world:
        for build in (build_app, broken_app):
            transport = httpx.ASGITransport(Host(build(world.registry)))
            async with httpx.AsyncClient(transport=transport) as http:
                for secret in secrets:
                    for name, request in requests(build(world.registry), secret):
                        answer = await http.send(request)
                        shown = f"{name}: {answer.status_code} {answer.headers} {answer.text}\n"
                        sys.stdout.write(shown)


if __name__ == "__main__":
    base, canaries = Path(sys.argv[1]), sys.argv[2:]
    asyncio.run(call_everything(make_template(base / "template"), base / "data", canaries))
