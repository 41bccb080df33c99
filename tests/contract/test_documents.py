"""What DocumentStore promises."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.api_docs.pieces import PiecesPointer
from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.packages import Dependency, ModuleText, Texts
from shared.ports.documents import DocumentStore
from tests.contract.sample_records import DIGEST, graph
from tests.contract.stores import STORES_OVER_EMULATOR, Stores

pytestmark = pytest.mark.measured

STORES = STORES_OVER_EMULATOR  # Which the fixture `open_stores` reads.
OTHER = Digest.of(b"another archive")
TEXTS = Texts(readme="# Greet", modules=(ModuleText(name="greet", summary="Grüße", readme="Hi."),))


@pytest.mark.parametrize("texts", [TEXTS, Texts(readme="ü" * 1_000_000)], ids=["short", "long"])
async def test_texts_of_any_size_come_back_at_once_in_another_process(
    stores: Stores, others: Stores, texts: Texts
) -> None:
    assert await others.documents.texts(DIGEST) == Texts()
    await stores.documents.put(DIGEST, texts, Graph())
    assert await others.documents.texts(DIGEST) == texts


async def test_a_graph_comes_back_as_the_nodes_that_answers_carry(stores: Stores) -> None:
    depends = (Dependency(org="acme", name="b", version="2.0.0"),)
    node = GraphNode(org="acme", name="a", version="1.0.0", dependencies=depends)
    await stores.documents.put(DIGEST, Texts(), Graph(nodes=(node,)))
    (stored,) = await stores.documents.graphs([DIGEST])
    assert json.loads(stored) == [
        {
            "org": "acme",
            "name": "a",
            "version": "1.0.0",
            "dependencies": [{"org": "acme", "name": "b", "version": "2.0.0"}],
        }
    ]


async def test_graphs_are_in_the_requested_order_and_empty_if_none_was_stored(
    stores: Stores,
) -> None:
    await stores.documents.put(DIGEST, Texts(), graph("acme/a"))
    await stores.documents.put(OTHER, Texts(), graph("acme/b"))
    asked = [OTHER, Digest.of(b"unknown"), DIGEST, OTHER]
    names = [[node["name"] for node in json.loads(g)] for g in await stores.documents.graphs(asked)]
    assert names == [["b"], [], ["a"], ["b"]]
    assert await stores.documents.graphs([Digest.of(b"unknown")]) == [b"[]"]
    assert await stores.documents.graphs([]) == []


async def test_many_graphs_and_large_ones_come_back(stores: Stores) -> None:
    large = graph(*(f"acme/package{number}" for number in range(3_000)))
    await stores.documents.put(DIGEST, Texts(), large)
    (one,) = await stores.documents.graphs([DIGEST])
    assert len(json.loads(one)) == 3_000
    assert await stores.documents.graphs([DIGEST] * 50) == [one] * 50


async def test_documents_that_are_there_stay_as_they_are(stores: Stores) -> None:
    await stores.documents.put(DIGEST, TEXTS, graph("acme/a"))
    before = await stores.documents.graphs([DIGEST])
    await stores.documents.put(DIGEST, Texts(readme="other"), graph("acme/b"))
    assert await stores.documents.texts(DIGEST) == TEXTS
    assert await stores.documents.graphs([DIGEST]) == before


async def test_deleted_documents_cannot_be_read_and_others_remain(stores: Stores) -> None:
    await stores.documents.put(DIGEST, TEXTS, graph("acme/a"))
    await stores.documents.put(OTHER, TEXTS, graph("acme/a"))
    for digest in (DIGEST, OTHER):
        await stores.documents.put_sbom(digest, b"one")
        await stores.documents.put_rendering(digest, "a", b"<p>one</p>")
    for _ in range(2):
        await stores.documents.delete(DIGEST)
        assert await stores.documents.texts(DIGEST) == Texts()
        assert await stores.documents.graphs([DIGEST]) == [b"[]"]
        assert await stores.documents.sbom(DIGEST) is None
        assert await stores.documents.rendering(DIGEST, "a") is None
    assert await stores.documents.texts(OTHER) == TEXTS
    assert await stores.documents.sbom(OTHER) == b"one"
    assert await stores.documents.rendering(OTHER, "a") == b"<p>one</p>"


async def test_a_bill_of_materials_is_stored_once(stores: Stores) -> None:
    assert await stores.documents.sbom(DIGEST) is None
    assert await stores.documents.put_sbom(DIGEST, b"first") == b"first"
    assert await stores.documents.put_sbom(DIGEST, b"second") == b"first"
    assert await stores.documents.sbom(DIGEST) == b"first"
    assert await stores.documents.sbom(OTHER) is None


async def test_attestations_come_back_by_their_names_and_the_last_one_counts(
    stores: Stores, others: Stores
) -> None:
    assert await stores.documents.attestations(DIGEST) == {}
    assert await stores.documents.attestation(DIGEST, "statements-a") is None
    large = b"{}" * 100_000
    await stores.documents.put_attestation(DIGEST, "statements-a", b"one")
    await stores.documents.put_attestation(DIGEST, "sigstore-b", large)
    await stores.documents.put_attestation(OTHER, "statements-a", b"other")
    await stores.documents.put_attestation(DIGEST, "statements-a", b"two")
    assert await others.documents.attestation(DIGEST, "statements-a") == b"two"
    found = await others.documents.attestations(DIGEST)
    assert list(found.items()) == [("sigstore-b", large), ("statements-a", b"two")]


async def test_attestations_are_deleted_with_the_other_documents(stores: Stores) -> None:
    for digest in (DIGEST, OTHER):
        await stores.documents.put_attestation(digest, "statements-a", b"one")
    for _ in range(2):
        await stores.documents.delete(DIGEST)
        assert await stores.documents.attestations(DIGEST) == {}
    assert await stores.documents.attestation(OTHER, "statements-a") == b"one"


async def test_a_rendering_comes_back_by_its_name_and_the_last_one_counts(stores: Stores) -> None:
    assert await stores.documents.rendering(DIGEST, "a") is None
    await stores.documents.put_rendering(DIGEST, "a", b"<p>one</p>")
    long = b"<p>two</p>" * 20_000
    await stores.documents.put_rendering(DIGEST, "b", long)
    await stores.documents.put_rendering(OTHER, "a", b"<p>other</p>")
    await stores.documents.put_rendering(DIGEST, "a", b"<p>new</p>")
    assert await stores.documents.rendering(DIGEST, "a") == b"<p>new</p>"
    assert await stores.documents.rendering(DIGEST, "b") == long


def record(name: str = "", generator: int = 1) -> ApiDocsRecord:
    """Return a record that points to a file of pieces, unless its name is empty."""
    pieces = PiecesPointer(name=name, index_start=1, end=3) if name else None
    return ApiDocsRecord(
        state=DocsState.DONE, generator=generator, modules=("greet",), pieces=pieces
    )


@dataclass
class Making:
    """Stores documentation as a process does that has made it."""

    documents: DocumentStore
    folder: Path

    async def put(
        self, name: str, content: bytes, generator: int = 1, digest: Digest = DIGEST
    ) -> ApiDocsRecord:
        """Store a file of pieces, which may be moved, and its record."""
        file = self.folder / f"{name}.pieces"
        file.write_bytes(content)
        made = record(name, generator)
        await self.documents.put_api_docs(digest, made, file)
        return made


@pytest.fixture
def making(stores: Stores, tmp_path: Path) -> Making:
    folder = tmp_path / "job"
    folder.mkdir()
    return Making(stores.documents, folder)


async def test_ranges_of_a_file_of_pieces_come_back(stores: Stores, making: Making) -> None:
    assert await stores.documents.api_docs_record(DIGEST) is None
    assert await stores.documents.read_pieces(DIGEST, "any", 0, 1) is None
    content = b"0123456789" * 25_000
    made = await making.put("one", content)
    assert await stores.documents.api_docs_record(DIGEST) == made
    assert await stores.documents.read_pieces(DIGEST, "one", 5, 249_995) == content[5:]
    assert await stores.documents.read_pieces(DIGEST, "one", 3, 4) == b"3456"
    assert await stores.documents.read_pieces(DIGEST, "one", 9, 1) == b"9"


async def test_a_file_of_pieces_that_is_not_there_is_none(stores: Stores, making: Making) -> None:
    await making.put("one", b"piece")
    assert await stores.documents.read_pieces(DIGEST, "two", 0, 1) is None
    assert await stores.documents.read_pieces(OTHER, "one", 0, 1) is None


async def test_api_documentation_of_a_newer_generator_stays(stores: Stores, making: Making) -> None:
    for generator in (1, 3, 2):
        await making.put(f"by-{generator}", b"piece", generator)
    assert await stores.documents.api_docs_record(DIGEST) == record("by-3", 3)
    pieces = [await stores.documents.read_pieces(DIGEST, f"by-{n}", 0, 5) for n in (1, 2, 3)]
    assert pieces == [None, None, b"piece"]


async def test_api_documentation_of_a_newer_generator_stays_if_both_are_stored_at_once(
    stores: Stores, others: Stores, tmp_path: Path
) -> None:
    puts = [
        Making(process.documents, tmp_path).put(f"by-{generator}", b"piece", generator)
        for generator, process in ((3, stores), (2, others), (1, stores))
    ]
    await asyncio.gather(*puts)
    assert await stores.documents.api_docs_record(DIGEST) == record("by-3", 3)


async def test_the_pieces_that_the_record_names_are_there_if_two_store_some_at_once(
    stores: Stores, others: Stores, tmp_path: Path
) -> None:
    for number in range(10):
        digest = Digest.of(str(number).encode())
        puts = [
            Making(process.documents, tmp_path).put(name, b"piece", digest=digest)
            for name, process in (("one", stores), ("two", others))
        ]
        await asyncio.gather(*puts)
        stored = await stores.documents.api_docs_record(digest)
        assert stored is not None
        assert stored.pieces is not None
        found = await stores.documents.read_pieces(digest, stored.pieces.name, 0, 5)
        assert found == b"piece"
        [other] = {"one", "two"} - {stored.pieces.name}
        assert await stores.documents.read_pieces(digest, other, 0, 5) is None


async def test_api_documentation_is_made_again_by_the_same_generator(
    stores: Stores, making: Making
) -> None:
    for _ in range(2):
        await making.put("first", b"piece")
        assert await stores.documents.read_pieces(DIGEST, "first", 0, 5) == b"piece"
    made = await making.put("second", b"other")
    assert await stores.documents.api_docs_record(DIGEST) == made
    assert await stores.documents.read_pieces(DIGEST, "second", 0, 5) == b"other"
    assert await stores.documents.read_pieces(DIGEST, "first", 0, 5) is None


async def test_pieces_go_when_the_documentation_has_none_any_more(
    stores: Stores, making: Making
) -> None:
    await making.put("one", b"piece")
    await stores.documents.put_api_docs(DIGEST, record())
    assert await stores.documents.api_docs_record(DIGEST) == record()
    assert await stores.documents.read_pieces(DIGEST, "one", 0, 1) is None


async def test_api_documentation_is_removed_with_the_other_documents(
    stores: Stores, making: Making
) -> None:
    for digest in (DIGEST, OTHER):
        await making.put("one", b"piece", digest=digest)
    await stores.documents.delete(DIGEST)
    assert await stores.documents.api_docs_record(DIGEST) is None
    assert await stores.documents.read_pieces(DIGEST, "one", 0, 1) is None
    assert await stores.documents.read_pieces(OTHER, "one", 0, 5) == b"piece"
