"""Copies of a template that listen on a port, for programs of clients."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from functions.faces import build_app
from shared.adapters.system import SystemClock
from shared.bootstrap.build import build_registry
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from shared.registry import Registry
from tests.reaching import noted
from tests.support.server import served_app
from tests.support.storage import STORAGE
from tests.support.world import Template, settings_of


@asynccontextmanager
async def served_copy(
    template: Template, folder: Path, **settings: Any
) -> AsyncGenerator[tuple[Registry, str]]:
    """Serve a copy of the template in the folder; yield its registry, and its address."""
    STORAGE.copy(template.folder, folder)
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen = settings_of(folder, url=url, **settings)
    registry = build_registry(chosen, noted(await STORAGE.stores(chosen, SystemClock())))
    with served_app(Host(build_app(registry), on_stop=[registry.close]), at=bound):
        yield registry, url
