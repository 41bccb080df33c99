"""Run a server of one machine in a process of its own, and print what its start prepares:
`python -m tests.support.prepared_start [stopped]`."""

# pyright: reportPrivateUsage=false
# What is prepared shows outside in the time of a first request alone.

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine

from pydantic import BaseModel

from functions.api.api_face import ResponseModel
from functions.api.openapi import openapi_document
from functions.html import page_templates
from shared.adapters.search import vocabulary
from shared.domain.records import Record
from shared.localhost import build_host
from shared.prose import manual
from shared.settings import Settings
from shared.use_cases.inputs import Inputs

LIBRARIES = ("jinja2", "graphql", "functions.central.graphql_execution", "functions.scim.resources")
MODELS: tuple[type[BaseModel], ...] = (Record, ResponseModel, Inputs)


class Building:
    """Notes in which turn of the loop each model was built."""

    def __init__(self) -> None:
        self.turns = 0
        self.built_at = list[int]()
        self.built_elsewhere = list[str]()  # In another thread.

    def note(self, model: type[BaseModel]) -> None:
        if not issubclass(model, MODELS):
            return
        if threading.current_thread() is threading.main_thread():
            self.built_at.append(self.turns)
        else:
            self.built_elsewhere.append(model.__name__)

    def count_turns(self) -> None:
        """Count the turns of the loop that runs, also those that it waits in."""
        loop = asyncio.get_running_loop()
        run_once = vars(asyncio.BaseEventLoop)["_run_once"]

        def run_and_count() -> None:
            self.turns += 1
            run_once(loop)

        vars(loop)["_run_once"] = run_and_count


def below(base: type[BaseModel]) -> set[type[BaseModel]]:
    return {*base.__subclasses__()}.union(*map(below, base.__subclasses__()))


def prepared(building: Building) -> dict[str, object]:
    return {
        "libraries": [name for name in LIBRARIES if name in sys.modules],
        "models": [
            base.__name__
            for base in MODELS
            if all(each.__pydantic_complete__ for each in below(base))
        ],
        "models in a turn": max(map(building.built_at.count, building.built_at), default=0),
        "models of other threads": building.built_elsewhere,
        "vocabulary": vocabulary._names.cache_info().currsize > 0,
        "templates": "jinja2" in sys.modules and has_templates(),
        "openapi.json": openapi_document.cache_info().currsize > 0,
        "documentation": manual.read_manual.cache_info().currsize > 0,
    }


def has_templates() -> bool:
    environment = page_templates._environment()
    kept = environment.cache
    return kept is not None and len(kept) == len(environment.list_templates(["html"]))


async def start(building: Building, wait: Callable[[], Coroutine[None, None, None]]) -> None:
    building.count_turns()
    async with build_host(Settings.load()).running():
        await wait()


async def until_prepared() -> None:
    while not (threads := [each for each in threading.enumerate() if each.name == "warm-up"]):
        await asyncio.sleep(0)
    await asyncio.to_thread(threads[0].join)


async def one_turn() -> None:
    await asyncio.sleep(0)


if __name__ == "__main__":
    noted = Building()
    # Pydantic calls it when a model is built.
    BaseModel.__pydantic_on_complete__ = classmethod(noted.note)  # type: ignore[method-assign]
    asyncio.run(start(noted, one_turn if "stopped" in sys.argv else until_prepared))
    print(json.dumps(prepared(noted)))
