"""Documents of archives in SQLite; the pieces of API documentation are files."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson

from shared.adapters.file_pieces import FilePieces
from shared.adapters.sqlite.database import Database
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph, graph_document
from shared.domain.packages import Texts

Document = TypeVar("Document")

LARGEST_ON_THE_LOOP = 64 * 1024  # Bytes: reading and decoding more keeps other requests waiting.
GRAPHS_ON_THE_LOOP = 100  # Reading them takes a third of a millisecond.
NODES_ON_THE_LOOP = 100  # Nodes of a graph: encoding them takes a tenth of a millisecond.

_TABLES = ("api_docs", "attestations", "renderings", "sboms", "texts", "graphs")


class SqliteDocuments:
    """The DocumentStore of a registry on one machine."""

    def __init__(self, database: Database, pieces: FilePieces) -> None:
        self._database = database
        self._pieces = pieces

    async def put(self, digest: Digest, texts: Texts, graph: Graph) -> None:
        size = len(texts.readme) + sum(len(each.readme) for each in texts.modules)
        is_short = size <= LARGEST_ON_THE_LOOP and len(graph.nodes) <= NODES_ON_THE_LOOP
        # Without the disk: the release that they belong to comes after them, and is durable.
        write = self._database.write_unsynced if is_short else self._database.write
        await write(partial(_put, digest.hex, texts, graph))

    async def texts(self, digest: Digest) -> Texts:
        found = await self._read(Texts.model_validate_json, "texts WHERE digest = ?", digest.hex)
        return found or Texts()

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        hexes = [digest.hex for digest in digests]
        if len(hexes) <= GRAPHS_ON_THE_LOOP:
            small = self._database.read(partial(_small_graphs, hexes))
            if small is not None:
                return small
        return await self._database.scan(partial(_graphs, hexes))

    async def put_sbom(self, digest: Digest, content: bytes) -> bytes:
        return await self._database.write(partial(_put_sbom, digest.hex, content))

    async def sbom(self, digest: Digest) -> bytes | None:
        statement = "SELECT body FROM sboms WHERE digest = ?"
        return next(iter(await self._database.decoded(bytes, statement, digest.hex)), None)

    async def put_attestation(self, digest: Digest, name: str, content: bytes) -> None:
        is_short = len(content) <= LARGEST_ON_THE_LOOP
        # Without the disk: the release that it belongs to is written after it, and is durable.
        write = self._database.write_unsynced if is_short else self._database.write
        await write(partial(_put_attestation, digest.hex, name, content))

    async def attestation(self, digest: Digest, name: str) -> bytes | None:
        where = "attestations WHERE digest = ? AND name = ?"
        return await self._read(bytes, where, digest.hex, name)

    async def attestations(self, digest: Digest) -> Mapping[str, bytes]:
        statement = "SELECT name, body FROM attestations WHERE digest = ? ORDER BY name"

        def named(name: str, body: bytes) -> tuple[str, bytes]:
            return name, body

        return dict(await self._database.decoded(named, statement, digest.hex))

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        where = "renderings WHERE digest = ? AND name = ?"
        return await self._read(bytes, where, digest.hex, name)

    async def _read(
        self, decode: Callable[[bytes], Document], where: str, *key: str
    ) -> Document | None:
        """Return a document, decoded: on the loop if it is small, else on a thread."""
        small = f"SELECT CASE WHEN length(body) <= ? THEN body END FROM {where}"  # noqa: S608
        row = self._database.row(small, LARGEST_ON_THE_LOOP, *key)
        if row is None:
            return None
        if row[0] is not None:
            return decode(row[0])
        statement = f"SELECT body FROM {where}"  # noqa: S608 - constants, as above.
        return next(iter(await self._database.decoded(decode, statement, *key)), None)

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        statement = "INSERT OR REPLACE INTO renderings (digest, name, body) VALUES (?, ?, ?)"
        await self._database.execute(statement, digest.hex, name, content)

    async def delete_renderings(self, digest: Digest, names: Sequence[str]) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            statement = "DELETE FROM renderings WHERE digest = ? AND name = ?"
            connection.executemany(statement, [(digest.hex, name) for name in names])

        await self._database.write(delete)

    async def put_api_docs(
        self, digest: Digest, record: ApiDocsRecord, pieces: Path | None = None
    ) -> None:
        # The file comes first: a record never points to pieces that are not there yet.
        name = record.pieces.name if record.pieces else ""
        if pieces is not None:
            await asyncio.to_thread(self._pieces.put, digest, name, pieces)
        body = record.model_dump_json().encode()
        is_short = len(body) <= LARGEST_ON_THE_LOOP
        write = self._database.write_few if is_short else self._database.write
        former = await write(partial(_put_api_docs, digest.hex, record.generator, body))
        before = ApiDocsRecord.model_validate_json(former) if former else None
        former_name = before.pieces.name if before and before.pieces else ""
        if before and before.generator > record.generator:
            await asyncio.to_thread(self._pieces.delete, digest, name, kept=former_name)
        else:
            await asyncio.to_thread(self._pieces.delete, digest, former_name, kept=name)

    async def api_docs_record(self, digest: Digest) -> ApiDocsRecord | None:
        row = self._database.row("SELECT body FROM api_docs WHERE digest = ?", digest.hex)
        return None if row is None else ApiDocsRecord.model_validate_json(row[0])

    async def read_pieces(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        if count <= LARGEST_ON_THE_LOOP:
            return self._pieces.read(digest, name, start, count)
        return await asyncio.to_thread(self._pieces.read, digest, name, start, count)

    async def delete(self, digest: Digest) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            for table in _TABLES:
                statement = f"DELETE FROM {table} WHERE digest = ?"  # noqa: S608
                connection.execute(statement, (digest.hex,))

        await self._database.write(delete)
        await asyncio.to_thread(self._pieces.delete_all, digest)


def _put(digest: str, texts: Texts, graph: Graph, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO texts (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (digest, texts.model_dump_json().encode()),
    )
    connection.execute(
        "INSERT INTO graphs (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (digest, graph_document(graph)),
    )


def _put_api_docs(
    digest: str, generator: int, body: bytes, connection: sqlite3.Connection
) -> bytes | None:
    """Store a record unless there is one of a newer generator; return the one before."""
    statement = "SELECT body FROM api_docs WHERE digest = ?"
    row = connection.execute(statement, (digest,)).fetchone()
    connection.execute(
        "INSERT INTO api_docs (digest, generator, body) VALUES (?, ?, ?) ON CONFLICT (digest)"
        " DO UPDATE SET generator = excluded.generator, body = excluded.body"
        " WHERE generator <= excluded.generator",
        (digest, generator, body),
    )
    return row[0] if row else None


def _put_attestation(
    digest: str, name: str, content: bytes, connection: sqlite3.Connection
) -> None:
    statement = "INSERT OR REPLACE INTO attestations (digest, name, body) VALUES (?, ?, ?)"
    connection.execute(statement, (digest, name, content))


def _small_graphs(digests: Sequence[str], connection: sqlite3.Connection) -> list[bytes] | None:
    """Return the graphs, or None where they are large; one statement locks the file once."""
    statement = (
        "SELECT digest, length(body), CASE WHEN length(body) <= ? THEN body END FROM graphs"
        " WHERE digest IN (SELECT value FROM json_each(?))"
    )
    rows = connection.execute(
        statement, (LARGEST_ON_THE_LOOP, orjson.dumps(digests).decode())
    ).fetchall()
    if sum(length for _, length, _ in rows) > LARGEST_ON_THE_LOOP:
        return None
    bodies = {digest: body for digest, _, body in rows}
    return [bodies.get(digest, b"[]") for digest in digests]


def _graphs(digests: Sequence[str], connection: sqlite3.Connection) -> list[bytes]:
    statement = "SELECT body FROM graphs WHERE digest = ?"
    rows = (connection.execute(statement, (digest,)).fetchone() for digest in digests)
    return [b"[]" if row is None else row[0] for row in rows]


def _put_sbom(digest: str, content: bytes, connection: sqlite3.Connection) -> bytes:
    # The update changes nothing: without one, a row that was there would not be returned.
    statement = (
        "INSERT INTO sboms (digest, body) VALUES (?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING body"
    )
    return connection.execute(statement, (digest, content)).fetchone()[0]
