"""The trust store of verifications: the policy and the checkpoint of each registry, for the next
verification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from shared.script_client import read_object, replace_file, settings_file
from shared.verification.registry_client import NotAsked

if TYPE_CHECKING:
    from collections.abc import Mapping

    Fields = dict[str, object]

LARGEST_STATE_BYTES = 50_000_000
STATE_FORMAT = 1


def default_file(environment: Mapping[str, str]) -> Path:
    """Return the place of the state beside the Settings.toml of `bal`."""
    return settings_file(environment).with_name("ballroom-log.json")


class TrustStore:
    """The file of the trust store. Each registry has an entry under its address."""

    def __init__(self, file: Path, address: str) -> None:
        """Read the file; raise `NotAsked` if there is one that is no such file."""
        self.file = file
        self._address = address
        self._logs: Fields = {}
        self._own: Fields = {}
        self._read()

    def _read(self) -> None:
        if not self.file.is_file():
            return
        try:
            if self.file.stat().st_size > LARGEST_STATE_BYTES:
                raise self.unreadable
            state = read_object(self.file.read_bytes())
        except OSError:
            raise self.unreadable from None
        logs = state.get("logs")
        if state.get("v") != STATE_FORMAT or not isinstance(logs, dict):
            raise self.unreadable
        self._logs = cast("Fields", logs)
        own = self._logs.get(self._address, {})
        if not isinstance(own, dict):
            raise self.unreadable
        self._own = cast("Fields", own)

    @property
    def unreadable(self) -> NotAsked:
        """What is raised if the file is no trust store."""
        message = f"{self.file} cannot be read, or keeps nothing of a log. Name another file."
        return NotAsked(message)

    def text(self, name: str) -> str:
        """Return a stored text; empty if there is none."""
        return str(self._own.get(name) or "")

    def numbers(self, name: str) -> dict[str, int]:
        found = self._own.get(name)
        numbers: Mapping[str, object] = {}
        if isinstance(found, dict):
            numbers = cast("Mapping[str, object]", found)
        return {key: value for key, value in numbers.items() if isinstance(value, int)}

    def save(self, **fields: object) -> None:
        """Write these fields, and leave the rest of the file. Numbers are added to the stored ones.
        Raise `NotAsked`."""
        self._read()  # Another run may have written it meanwhile, such as a watch of others.
        for name, value in fields.items():
            is_added = isinstance(value, dict)
            self._own[name] = {**self.numbers(name), **value} if is_added else value
        self._logs[self._address] = self._own
        text = json.dumps({"v": STATE_FORMAT, "logs": self._logs}, indent=2)
        write_file(self.file, text.encode())


def write_file(file: Path, content: bytes) -> None:
    """Write a file in its folder, which is made if it is missing; raise `NotAsked`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}. Name another file with --state."
        raise NotAsked(message) from None
