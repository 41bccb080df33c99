"""The commands of docs/run/incidents.md, run as an operator runs them beside a registry."""

import shlex
from collections.abc import Iterator
from functools import partial
from itertools import chain

from anyio.to_thread import run_sync

from tests.support.page_scripts import blocks, page_of
from tests.support.terminal import Terminal
from tests.support.world import URL, World

PAGE = page_of("incidents.md")


def commands_of(heading: str) -> Iterator[list[str]]:
    """Yield the arguments of each command `ballroom` in a section; it has no other commands."""
    text = "\n".join(blocks(PAGE, f"## {heading}")).replace("\\\n", " ")
    for line in text.splitlines():
        arguments = shlex.split(line, comments=True)
        if arguments:
            assert arguments[0] == "ballroom", line
            yield arguments[1:]


async def follow(world: World, heading: str) -> str:
    """Run the commands of a section in their order beside the registry of the world; return what
    they print. The test makes the accounts and packages that the page names."""
    terminal = Terminal(world.registry.settings.data)
    run = partial(terminal.run, BALLROOM_URL=URL)
    printed = [await run_sync(partial(run, *each)) for each in commands_of(heading)]
    assert printed, f"{heading} has no command"
    return "".join(chain(printed))
