"""Registries with packages, which are made once and copied for each test."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.storage import IN_THE_CLOUD
from tests.support.world import Template, World

Fill = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Filled:
    """A template with packages. Templates in the cloud have no blobs: each copy is filled there."""

    template: Template
    fill: Fill

    @classmethod
    async def of(cls, template: Template, folder: Path, fill: Fill) -> "Filled":
        """Make the template in the folder."""
        return cls(template if IN_THE_CLOUD else await template.filled(folder, fill), fill)

    @asynccontextmanager
    async def world(self, folder: Path, **options: Any) -> AsyncGenerator[World]:
        """Serve a copy, as `Template.world` does."""
        async with self.template.world(folder, **options) as world:
            if IN_THE_CLOUD:
                await self.fill(world)
            yield world
