"""Which of the new entries of a log have their proofs stored."""

import json

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import NoteSigner, SignedNote
from shared.domain.transparency.records import ReleaseProof, id_of_release
from shared.domain.transparency.tree_edge import Extension, TreeEdge
from shared.services.transparency.new_proofs import NewProofs
from tests.contract.sample_records import coordinate
from tests.fakes.stores import FakeDirectory
from tests.support.log_checker import ORIGIN

DIGEST = "ab" * 32


def an_entry(kind: str, release: str, **said: str) -> bytes:
    package, _, version = release.partition(":")
    fields = {"v": 1, "kind": kind, "package": package, "version": version, **said}
    return json.dumps(fields).encode()


def published(release: str, kind: str = "release.published") -> bytes:
    return an_entry(kind, release, digest=f"sha256:{DIGEST}")


async def stored_of(*entries: bytes) -> list[ReleaseProof]:
    """Return the proofs that are stored of new entries, when they are given twice."""
    extension = TreeEdge().extended(entries)
    directory = FakeDirectory()
    for _ in range(2):
        await NewProofs(directory=directory).add(note_of(extension), extension)
    return directory.every(ReleaseProof)


def note_of(extension: Extension) -> SignedNote:
    size, root = extension.edge.head
    text = Checkpoint(ORIGIN, size, root).text
    return SignedNote(text, (NoteSigner(ORIGIN, b"s" * 32).sign(text),))


async def test_published_and_mirrored_releases_have_theirs() -> None:
    entries = [published("acme/greet:1.0.0"), published("acme/io:2.0.0", kind="release.mirrored")]
    stored = await stored_of(*entries)
    assert {each.entry.encode() for each in stored} == {*entries}
    releases = [coordinate(each) for each in ("acme/greet:1.0.0", "acme/io:2.0.0")]
    assert {each.release for each in stored} == {id_of_release(each, DIGEST) for each in releases}


async def test_other_entries_have_none() -> None:
    entries = [
        b'{"v":1,"index":0,"commitment":"c29tZSBoYXNo"}',
        b'{"v":1,"index":0,"kind":"log.replaced","log":"packages.example.org/log"}',
        an_entry("organization.created", "", organization="acme"),
        published("acme/greet:1.0.0", kind="release.withdrawn"),
        an_entry("release.published", "acme/gone:1.0.0"),  # Erased before there was a log.
    ]
    assert await stored_of(*entries) == []


async def test_of_two_entries_of_a_release_the_first_is_proven() -> None:
    first = published("acme/greet:1.0.0")
    [stored] = await stored_of(first, published("acme/greet:1.0.0").replace(b'"v": 1', b'"v": 2'))
    assert stored.entry.encode() == first
