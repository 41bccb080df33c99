"""How a tool for agents is declared. All tools only read.

A tool is one function: its annotations name its arguments and its answer, its docstring describes
it to agents. A package is written `org/name`, as `bal` prints it. `TOOLS` of `tools.py` lists them.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple, cast, get_type_hints

from msgspec import Meta, Struct

from functions.http.calls import Call
from functions.mcp.texts import AgentAnswer

ROWS_ON_A_PAGE = 40  # As many as the command-line tools of Ballerina list.
NAMES_LISTED = 10

PackageText = Annotated[str, Meta(max_length=210, description="Such as ballerina/http.")]
VersionText = Annotated[str, Meta(max_length=130, description="Without it the latest version.")]
ModuleText = Annotated[str, Meta(max_length=210, description="Without it the default module.")]
Offset = Annotated[int, Meta(ge=0, le=2_000_000, description="nextOffset of the page before.")]

Run = Callable[[Call, Any], Awaitable[AgentAnswer]]


class Arguments(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The arguments of a tool."""


class Tool(NamedTuple):
    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[AgentAnswer]
    run: Run


def tool(title: str) -> Callable[[Run], Tool]:
    """Declare the decorated function as a tool of its name."""

    def declare(run: Run) -> Tool:
        types = get_type_hints(run, include_extras=True)
        answer = types.pop("return")
        _, arguments = types.values()  # The annotations of the call and of the arguments.
        function = cast("Any", run)
        description = " ".join(function.__doc__.split())
        name = function.__name__
        return Tool(name, title, description, arguments, answer, run)

    return declare
