"""Reading documentation: what is not made yet is wanted, and what was refused says why."""

from typing import cast

import pytest
from msgspec.structs import replace

from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.archives.digests import Digest
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.packages import Release
from shared.domain.principals import ANONYMOUS
from shared.ports.documents import DocumentStore
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, NOTHING_STORED
from shared.services.api_docs.api_docs import ApiDocs, ModuleName
from tests.contract.sample_records import coordinate
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.world import World

GREET = coordinate("acme/greet:1.0.0")
NAME = ModuleName("acme", "greet", "1.0.0")


async def document(world: World) -> None:
    registry = world.registry
    packages = registry.packages.hosted
    await registry.api_docs.documentation.document(NAME, packages, by=ANONYMOUS)


async def pushed(world: World) -> Release:
    await world.push(documented_bala())
    release = (await world.stores.metadata.find(GREET)).release
    assert release
    return release


async def documented(world: World) -> Release:
    release = await pushed(world)
    await world.document()
    return release


async def recorded(world: World, release: Release, **changes: object) -> None:
    """Change what is recorded, and read it anew."""
    record = await world.stores.documents.api_docs_record(release.archive_digest)
    changed = (record or ApiDocsRecord(state=DocsState.DONE, generator=0)).model_copy(
        update=changes
    )
    await world.stores.documents.put_api_docs(release.archive_digest, changed)
    world.registry.api_docs.pieces.forget(release.archive_digest)


# --- What is not made


async def test_a_failure_of_an_older_generator_is_pending(world: World) -> None:
    release = await documented(world)
    await world.stores.documents.delete(release.archive_digest)
    await recorded(world, release, generator=0, state=DocsState.FAILED, reason="old")
    with pytest.raises(ApiDocsPending):
        await document(world)


@pytest.mark.parametrize(
    ("reason", "told"), [("too large", "too large"), ("", "the archive has no sources")]
)
async def test_documentation_that_failed_says_why(world: World, reason: str, told: str) -> None:
    release = await documented(world)
    await recorded(world, release, pieces=None, reason=reason)
    with pytest.raises(ApiDocsFailed, match=told):
        await document(world)


async def test_pieces_that_are_gone_are_pending_and_made_again(world: World) -> None:
    release = await documented(world)
    record = await world.stores.documents.api_docs_record(release.archive_digest)
    assert record
    await world.stores.documents.delete(release.archive_digest)
    await world.stores.documents.put_api_docs(release.archive_digest, record)
    with pytest.raises(ApiDocsPending):
        await document(world)
    await world.registry.api_docs.queue.drain()
    await document(world)


async def test_pieces_that_went_after_their_index_was_read_are_pending(world: World) -> None:
    release = await documented(world)
    docs = world.registry.api_docs.documentation
    assert await docs.place(release.archive_digest, GREET, PieceKind.SINCE)
    record = await world.stores.documents.api_docs_record(release.archive_digest)
    assert record
    await world.stores.documents.delete(release.archive_digest)
    await world.stores.documents.put_api_docs(release.archive_digest, record)
    assert await docs.place(release.archive_digest, GREET, PieceKind.SINCE)
    with pytest.raises(ApiDocsPending):
        await docs.piece(release.archive_digest, GREET, PieceKind.SINCE)


# --- What was refused


REFUSALS = [
    ("symbols greet 0", PieceKind.SYMBOL_PAGE, ("greet", "nothing")),
    ("symbols greet 1000", PieceKind.SYMBOL_TEXT, ("greet", "nothing")),
    ("module greet.sub", PieceKind.SYMBOL_PAGE, ("greet.sub", "nothing")),
    ("module greet.sub", PieceKind.DOCUMENT, ("greet.sub",)),
    ("module greet.sub", PieceKind.LIST, ("greet.sub", "types")),
    ("outline greet.sub", PieceKind.MODULE_PAGE, ("greet.sub",)),
    ("readme greet.sub", PieceKind.README, ("greet.sub",)),
]


@pytest.mark.parametrize(("part", "kind", "of"), REFUSALS)
async def test_a_piece_of_a_refused_part_says_why(
    world: World, part: str, kind: PieceKind, of: tuple[str, ...]
) -> None:
    release = await documented(world)
    docs = _over(world, refused={part: "it takes too long"})
    with pytest.raises(ApiDocsFailed, match="it takes too long"):
        await docs.text(release, kind, *of)


@pytest.mark.parametrize("part", ["symbols greet.sub 0", "outline greet.sub", "readme"])
async def test_what_was_refused_of_another_part_does_not_count(world: World, part: str) -> None:
    release = await documented(world)
    docs = _over(world, refused={part: "it takes too long"})
    assert await docs.text(release, PieceKind.SYMBOL_PAGE, "greet", "nothing") is None
    assert await docs.text(release, PieceKind.README, "greet") is None


class ChangedRecords:
    """Documents whose records say something else than what is stored."""

    def __init__(self, documents: DocumentStore, **changes: object) -> None:
        self.read_pieces = documents.read_pieces
        self._documents = documents
        self.changes = changes

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        """Return the record with the changes."""
        record = await self._documents.api_docs_record(digest)
        return record and record.model_copy(update=self.changes)


def _over(world: World, **changes: object) -> ApiDocs:
    return _reading(world, ChangedRecords(world.stores.documents, **changes))


def _reading(world: World, records: ChangedRecords) -> ApiDocs:
    documents = cast("DocumentStore", records)
    docs = world.registry.api_docs.documentation
    return replace(docs, documents=documents, pieces=type(docs.pieces)(documents))


async def test_what_an_earlier_generator_did_not_make_is_pending_and_the_rest_is_shown(
    world: World,
) -> None:
    release = await documented(world)
    docs = _over(world, generator=9)
    with pytest.raises(ApiDocsPending):
        await docs.symbol(release, "greet", "greetWorld")
    assert await world.registry.api_docs.queue.drain() == 1
    assert await docs.text(release, PieceKind.SYMBOL_PAGE, "greet", "greetWorld")


async def test_what_another_process_made_again_is_read(world: World) -> None:
    release = await documented(world)
    records = ChangedRecords(world.stores.documents, generator=9)
    docs = _reading(world, records)
    assert (await docs.record(release.archive_digest, GREET)).generator == 9
    records.changes.clear()
    text = await docs.symbol(release, "greet", "greetWorld")
    assert text
    assert text.kind == "function"


async def test_a_document_that_a_release_has_not_says_so(world: World) -> None:
    await documented(world)
    docs = world.registry.api_docs.documentation
    found = await docs.find(NAME, by=ANONYMOUS)
    with pytest.raises(ApiDocsFailed, match="the archive has no sources"):
        await docs.document_of(replace(found, module="other"))


async def test_what_an_earlier_generator_made_depends_on_all_that_is_stored(world: World) -> None:
    release = await documented(world)
    docs = world.registry.api_docs.documentation
    earlier = _over(world, generator=GENERATOR_VERSION - 1)
    for module in ("greet", "other"):  # The release has no document of the other one.
        of = (release.archive_digest, GREET, PieceKind.DOCUMENT, module)
        assert (await docs.find_piece(*of)).depends_on == NOTHING_STORED
        assert (await earlier.find_piece(*of)).depends_on == ALL_THAT_IS_STORED


async def test_a_module_depends_on_a_hidden_package_that_could_have_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0", modules=["sub"]))
    await world.push(bala("acme/greet.sub:1.0.0", visibility="private"))
    docs = world.registry.api_docs.documentation
    found = await docs.find(ModuleName("acme", "greet.sub", "1.0.0"), by=ANONYMOUS)
    assert str(found.head.package) == "acme/greet"
    assert found.depends_on.packages == {"acme/greet", "acme/greet.sub"}
    assert found.depends_on.readers == {"acme"}
