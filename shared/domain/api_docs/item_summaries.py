"""Summaries of connectors and triggers, as the lists for editors show them."""

import hashlib

from shared.domain.records import Record

# Connectors, and as many triggers, of one release: lists and the search store all of them.
MAX_LISTED = 100
MAX_SUMMARY = 1_000  # Characters of a comment in a list.
MAX_LABEL = 200  # Characters of a label, and of the path of an icon.


def connector_id(org: str, module: str, name: str) -> int:
    """Return the number of a connector, below 2^31, which all versions of its package share."""
    return _number(f"connector {org}/{module}:{name}")


def trigger_id(org: str, module: str) -> int:
    """Return the number of a trigger, like that of a connector."""
    return _number(f"trigger {org}/{module}")


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.lower().encode()).digest()[:4], "big") & 0x7FFF_FFFF


class ItemSummary(Record):
    """A connector or trigger, as lists show it."""

    id: int
    module: str
    name: str  # The name of the client or listener.
    # The label in its `@display` annotation; `icon` comes from the same annotation.
    label: str = ""
    icon: str = ""
    documentation: str = ""


class ConnectorSummary(ItemSummary):
    """A public client class."""


class TriggerSummary(ItemSummary):
    """A module with a listener and service types."""


class ApiSummary(Record):
    """The connectors and triggers by which editors find a release."""

    connectors: tuple[ConnectorSummary, ...] = ()
    triggers: tuple[TriggerSummary, ...] = ()

    @property
    def connector_ids(self) -> tuple[int, ...]:
        return tuple(each.id for each in self.connectors)

    @property
    def trigger_ids(self) -> tuple[int, ...]:
        return tuple(each.id for each in self.triggers)


NO_API = ApiSummary()
