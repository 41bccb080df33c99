"""Everything that a registry has stored, read through its ports, for goldens and invariants."""

import json
from typing import Any

from shared.domain.archives.digests import Digest
from shared.domain.packages import Head, Release
from shared.domain.search import Query, ResultPage, Viewer
from shared.services.adapters import Adapters

EVERYTHING = 10_000
ALL = Viewer(sees_everything=True)


async def stored(stores: Adapters) -> dict[str, Any]:
    """Return heads, releases, lists, documents, archives, events and the search, as JSON."""
    heads = await stores.metadata.packages("", EVERYTHING)
    surveys = await stores.metadata.survey([head.package for head in heads])
    releases = [each for head in heads for each in await stores.metadata.releases(head.package)]
    events = await stores.events.since(0, EVERYTHING)
    found = await stores.search.search(Query(include_deprecated=True), ResultPage(limit=1000), ALL)
    return {
        "heads": [_plain(head) for head in heads],
        "releases": [_plain(release) for release in releases],
        "entries": [
            entry.model_dump(mode="json")
            for survey in surveys
            if survey
            for entry in survey.entries
        ],
        "documents": [await _documents(stores, release) for release in releases],
        "archives": [archive.digest.hex async for archive in stores.archives.list(2**60)],
        "events": [event.model_dump(mode="json") for _, event in events],
        "search": [str(hit.listing.release.coordinate) for hit in found.hits],
    }


def _plain(record: Head | Release) -> dict[str, Any]:
    return record.model_dump(mode="json")


async def _documents(stores: Adapters, release: Release) -> dict[str, Any]:
    digest = Digest(release.digest)
    texts = await stores.documents.texts(digest)
    [graph] = await stores.documents.graphs([digest])
    return {"texts": texts.model_dump(mode="json"), "graph": json.loads(graph)}
