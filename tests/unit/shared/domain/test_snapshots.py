"""A snapshot holds every kind of record, and nothing that is no record."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

import shared.domain
from shared.domain.advisories.records import AdvisoryChange, AdvisorySet
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.entities import AdditionCount, Entity
from shared.domain.mirroring import CataloguedPackage, CatalogueRound
from shared.domain.release_pullers import ReleasePullers
from shared.domain.sessions import Session
from shared.domain.snapshots import ENTITIES, SnapshotUnusable, from_line, snapshot_name
from shared.domain.transparency.records import ReleaseProof
from shared.domain.upstream_withdrawals import UpstreamFeed
from shared.domain.webhooks import WebhookKeys
from shared.domain.withheld_notes import WithheldNote

# Nobody is signed in by an old copy or decrypts with one, counts of additions start anew, and the
# others are derived.
LEFT_OUT = {
    Session,
    WebhookKeys,
    AdditionCount,
    WithheldNote,
    ReleasePullers,
    ApiVerdict,
    CataloguedPackage,
    CatalogueRound,
    UpstreamFeed,
    ReleaseProof,
    # Sets are imported again, and their files are no part of a snapshot.
    AdvisoryChange,
    AdvisorySet,
}


def entities() -> set[type[Entity]]:
    """Return every kind of entity there is; a class without a kind is the base of some."""
    for module in walk_packages(shared.domain.__path__, "shared.domain."):
        import_module(module.name)
    return {each for each in below(Entity) if "kind" in vars(each)}


def below(base: type[Entity]) -> Iterator[type[Entity]]:
    """Yield the classes that derive from another, from the nearest on."""
    for each in base.__subclasses__():
        yield each
        yield from below(each)


def test_every_kind_of_entity_is_included_or_excluded_explicitly() -> None:
    assert set(ENTITIES) | LEFT_OUT == entities()
    assert not LEFT_OUT & set(ENTITIES)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"1", b'{"head":{}}', b'{"a":1}', b'{"head":1,"event":2}', b"\xff"]
)
def test_another_line_is_refused(line: bytes) -> None:
    with pytest.raises(SnapshotUnusable, match="no record of this version"):
        from_line(line)


def test_later_snapshots_have_greater_names() -> None:
    assert snapshot_name(1_790_000_000_007) == "20260921T141320007Z"
    assert snapshot_name(1_790_000_001_000) > snapshot_name(1_790_000_000_999)
