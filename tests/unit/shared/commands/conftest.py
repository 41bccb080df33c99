"""A registry's folder with people in it, and a terminal to run commands in."""

import asyncio
import shutil
from pathlib import Path

import pytest

from shared.bootstrap.build import build_registry
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.services.publishing.uploads import Upload
from tests.support.archives import bala
from tests.support.terminal import Terminal
from tests.support.world import Template, settings_of


@pytest.fixture
def terminal(template: Template, tmp_path: Path) -> Terminal:
    """Return a terminal for a registry with an administrator, and ann, mia and bob."""
    shutil.copytree(template.folder, tmp_path / "data")
    return Terminal(tmp_path / "data")


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """Return a terminal for a folder that holds no registry."""
    return Terminal(tmp_path / "data")


@pytest.fixture(scope="session")
def publication(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which ann has published acme/greet:1.0.0, to copy."""
    ann = Principal(template.people.ann.account.id, "session", (Grant(),))
    data = shutil.copytree(template.folder, tmp_path_factory.mktemp("published") / "data")

    async def publish() -> None:
        registry = build_registry(settings_of(data))
        await registry.publishing.releases.push(Upload(bala("acme/greet:1.0.0")), by=ann)
        await registry.close()

    asyncio.run(publish())
    return data


@pytest.fixture
def published(publication: Path, tmp_path: Path) -> Terminal:
    """Return a terminal for a registry in which ann has published acme/greet:1.0.0."""
    return Terminal(Path(shutil.copytree(publication, tmp_path / "data")))
