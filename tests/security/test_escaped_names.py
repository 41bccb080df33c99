r"""No answer depends on whether a front end decodes `%2F`, or leaves a `\`, in a name of a route.

The real host keeps `%2F`; what stands before it may decode it, or make a slash of a backslash.
"""

import re
from typing import Any

from functions.faces import build_app
from functions.host_functions import CATCH_ALL
from shared.hosting.requests import LazyRequest, Scope
from shared.hosting.triggers import HttpFunction, functions_of
from tests.security.routes import VALUES
from tests.support.storage import one_machine
from tests.support.world import World

pytestmark = one_machine("it is about the names of routes, before any store")

NAMES = ("a%2Fb", "a%2fb", "a/b", "a\\b", "a%5Cb", "../b", "..%2Fb", "..\\b")


_PARAMETER = re.compile(r"\{\*?(\w+)")


def parameters(function: HttpFunction) -> dict[str, str]:
    """Return the parameters of a route, each with a value."""
    names = _PARAMETER.findall(function.route.template.text)
    return {name: VALUES.get(name, "x") for name in names}


async def status(function: HttpFunction, method: str, params: dict[str, str]) -> int:
    """Call a Function as the host does once it has read the parameters."""
    scope: Scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "client": ("192.0.2.1", 1),
        "headers": [(b"host", b"registry.test"), (b"accept", b"text/html")],
        "raw_path": b"/",
        "query_string": b"",
    }
    response: Any = await function.call(LazyRequest(scope, params, b""))
    return int(response.status_code)


async def test_every_form_of_a_name_with_a_slash_gets_the_same_answer(world: World) -> None:
    wrong: list[object] = []
    for function in functions_of(build_app(world.registry)).http:
        if function.name == CATCH_ALL:  # Its parameter is no name, but a whole path.
            continue
        for method in function.route.methods or ():
            params = parameters(function)
            for name in params:
                found = [await status(function, method, {**params, name: text}) for text in NAMES]
                if len(set(found)) > 1 or found[0] < 400 or found[0] >= 500:
                    wrong.append(
                        (method, function.name, name, dict(zip(NAMES, found, strict=True)))
                    )
    assert wrong == []
