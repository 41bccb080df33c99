"""The walks of docs/develop/architecture.md name what a first push and a first pull enter."""

import asyncio
import re
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import cast

from tests.paths import ROOT
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

PAGE = (ROOT / "docs" / "develop" / "architecture.md").read_text("utf-8")
STEP = re.compile(r"^\d+\. (?:.*\n)(?: {3,}.*\n)*", re.MULTILINE)
NAMED = re.compile(r"`((?:functions|shared)/[\w/]+\.py)`")
# Those of shared/domain/ are named where they decide something.
COMPLETE = ("functions/", "shared/auth/", "shared/services/")
# They hold and read keys and secrets, and decide nothing about a push.
LEFT_OUT = {"shared/auth/key_texts.py", "shared/auth/p256.py", "shared/auth/secrets.py"}
ProfileFunction = Callable[[FrameType, str, object], object]
PULLED = {"Accept": "application/octet-stream", "Ballerina-Platform": "java21"}


def walk(title: str) -> list[str]:
    """Return the files that the steps of a section name, in this order."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return NAMED.findall("".join(STEP.findall(section)))


@contextmanager
def entering() -> Generator[list[str]]:
    """Collect the modules of the product whose functions are called, in the order of their first
    calls."""
    entered = dict[str, None]()
    root = f"{ROOT}/"

    def record(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root) and code.co_name != "<module>":
            entered.setdefault(code.co_filename.removeprefix(root))

    modules = list[str]()
    before = sys.getprofile(), threading.getprofile()
    # Only threads that start from now on are followed, so those of the pool start anew.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield modules
    finally:
        sys.setprofile(before[0])
        threading.setprofile(cast("ProfileFunction", before[1]))
        modules += entered


async def push(world: World, coordinate: str) -> None:
    name = coordinate.replace("/", "-").replace(":", "-any-")
    sent = multipart(f"{name}.bala", bala(coordinate))
    answer = await world.upload(sent, by=world.people.ann)
    assert answer.status_code == 204


async def pull(world: World, path: str) -> None:
    assert (await world.get(f"/packages/{path}", headers=PULLED)).status_code == 302


def assert_named(title: str, entered: list[str]) -> None:
    named = walk(title)
    complete = [e for e in entered if e.startswith(COMPLETE) and e not in LEFT_OUT]
    assert [each for each in complete if each not in named] == []
    assert [each for each in entered if each in named] == named


async def test_the_walks_name_each_file_once_in_the_order_of_entry(worlds: OpenWorld) -> None:
    first = await worlds()  # What is made once for a process.
    await push(first, "acme/first:1.0.0")
    await pull(first, "acme/first/1.0.0")
    world = await worlds()
    with entering() as pushed:
        await push(world, "acme/greet:1.0.0")
    with entering() as pulled:
        await pull(world, "acme/greet/1.0.0")
    assert_named("A push", pushed)
    assert_named("A pull", pulled)
