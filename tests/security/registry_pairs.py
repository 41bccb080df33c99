"""Pairs of registries that differ by what is hidden, and what those who ask them get to know."""

from collections.abc import AsyncGenerator, Hashable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import httpx
from msgspec.structs import replace

from shared.auth.authentication import RequestClient
from shared.services.adapters import Adapters
from tests.sampling import covering
from tests.security.package_probes import Probe, Seen, seen
from tests.support.port_doubles import CallRecorder
from tests.support.world import Template, World, asking

Question = TypeVar("Question", bound=Hashable)

NOBODY: Mapping[str, str] = {}  # The headers of somebody without credentials.


@dataclass(frozen=True)
class Registry:
    """A registry, the calls that its stores get, and the headers of those who ask it."""

    world: World
    port_calls: CallRecorder
    people: Mapping[str, Mapping[str, str]]

    async def asked(self, request: httpx.Request, who: str) -> tuple[Seen, list[str]]:
        """Return what somebody sees, and what it cost the stores, once they are known."""
        sent = self.people[who]
        request.headers.update(sent)
        registry = self.world.registry
        if "Authorization" in sent:
            lower = {"authorization": sent["Authorization"]}
            await registry.identity.authentication.authenticate(lower, RequestClient())
        await registry.identity.authentication.close()
        await registry.identity.session_authentication.authenticate(request.headers)
        self.port_calls.taken()
        self.port_calls.taken_finds()
        what = await seen(self.world, request, None)
        return what, self.port_calls.taken()


Opened = tuple[Registry, Registry]


@dataclass(frozen=True)
class Filled:
    """What such a registry is a copy of."""

    template: Template
    people: Mapping[str, Mapping[str, str]]

    @asynccontextmanager
    async def registry(self, folder: Path, **options: Any) -> AsyncGenerator[Registry]:
        port_calls = CallRecorder()

        def wrap(stores: Adapters) -> Adapters:
            # The log is written two seconds after an event, by the clock of this machine: its calls
            # would be among those of whatever is asked then.
            return replace(port_calls.wrap(stores), writes_log=False)

        # What is given again costs nothing, so each request is one that a Function answers.
        async with self.template.world(folder, wrap=wrap, host=asking, **options) as world:
            yield Registry(world, port_calls, self.people)


@dataclass(frozen=True)
class Pair:
    """What two registries are copies of: one has what is hidden, and the other one never had."""

    having: Filled
    lacking: Filled

    @asynccontextmanager
    async def registries(self, folder: Path, **options: Any) -> AsyncGenerator[Opened]:
        async with (
            self.having.registry(folder / "having", **options) as having,
            self.lacking.registry(folder / "lacking", **options) as lacking,
        ):
            yield having, lacking


def bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def pairs_of(
    people: Iterable[str], questions: Iterable[Question], *, seed: str = ""
) -> list[tuple[str, Question]]:
    """Return pairs in which everybody and every question is."""
    pairs = product(people, questions)
    return covering(pairs, lambda each: each[0], lambda each: each[1], seed=seed)


async def told_apart(
    opened: Opened, questions: Iterable[tuple[str, Probe]], about: str, *, by_calls: bool = True
) -> list[str]:
    """Ask both registries the questions, and return what told them apart."""
    shown: list[str] = []
    for who, probe in questions:
        one, other = [await each.asked(probe.about(about), who) for each in opened]
        if one != other if by_calls else one[0] != other[0]:
            shown.append(f"{who} by {probe}: {difference(one, other)}")
    return shown


def difference(one: tuple[Seen, list[str]], other: tuple[Seen, list[str]]) -> str:
    """Return what tells two answers apart."""
    (first, first_calls) = one
    (second, second_calls) = other
    if first_calls != second_calls:
        return f"calls {first_calls} and {second_calls}"
    return f"{first} and {second}"
