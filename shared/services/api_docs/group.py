"""Creates the services that make and read API documentation."""

from dataclasses import dataclass
from typing import Self

from shared.domain.names import Coordinate
from shared.log import log
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory, JobInputs
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.editor_catalog import EditorCatalog
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.common import Common
from shared.services.packages.group import PackageServices


@dataclass(frozen=True)
class ApiDocsServices:
    """The services that make and read API documentation and other files of the confined process."""

    documentation: ApiDocs
    pieces: PieceReader
    history: ApiHistory
    generation: ApiDocsGeneration
    queue: ApiDocsQueue
    backfill: ApiDocsBackfill
    on_demand_jobs: OnDemandJobs
    file_highlighting: FileHighlighting
    comparisons: ApiComparisons
    editor_catalog: EditorCatalog

    @classmethod
    def build(cls, common: Common, packages: PackageServices) -> Self:
        adapters = common.adapters
        metadata, documents, confined = adapters.metadata, adapters.documents, adapters.confined
        pieces = PieceReader(documents)
        inputs = JobInputs(metadata, documents, adapters.archives)
        history = ApiHistory(adapters.directory)
        generation = ApiDocsGeneration(
            inputs,
            confined,
            metadata,
            documents,
            history,
            pieces,
            packages.derived_data,
            adapters.clock,
        )
        queue = ApiDocsQueue(generation, metadata, failed=_log_failed_api_docs)
        common.closing.push_async_callback(queue.close)
        jobs, comparison_jobs = OnDemandJobs(), OnDemandJobs()
        common.closing.push_async_callback(jobs.close)
        common.closing.push_async_callback(comparison_jobs.close)
        documentation = ApiDocs(common.authorization, packages.cache, documents, pieces, queue)
        return cls(
            documentation=documentation,
            pieces=pieces,
            history=history,
            generation=generation,
            queue=queue,
            backfill=ApiDocsBackfill(generation, metadata),
            on_demand_jobs=jobs,
            file_highlighting=FileHighlighting(documents, confined, jobs),
            comparisons=ApiComparisons(documentation, documents, inputs, confined, comparison_jobs),
            editor_catalog=EditorCatalog(packages.search, packages.hosted, documentation, metadata),
        )


def _log_failed_api_docs(coordinate: Coordinate, reason: str) -> None:
    log.error("api_docs.failed", coordinate=str(coordinate), reason=reason)
