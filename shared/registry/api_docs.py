"""API documentation, bills of materials, and the quality of packages."""

from functools import cached_property

from shared.registry.group import ServiceGroup
from shared.services.api_docs.api_docs import ApiDocs
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration, ApiHistory, JobInputs
from shared.services.api_docs.api_docs_queue import ApiDocsBackfill, ApiDocsQueue
from shared.services.api_docs.dependency_updates import DependencyUpdates
from shared.services.api_docs.editor_items import EditorItems
from shared.services.api_docs.on_demand import ApiComparisons, FileHighlighting, OnDemandJobs
from shared.services.api_docs.pieces import PieceReader
from shared.services.api_docs.sboms import Sboms
from shared.services.api_docs.version_checks import VersionChecks
from shared.services.quality.checklists import Checklists
from shared.services.quality.package_comparison import PackageComparison
from shared.telemetry.log import log
from shared.telemetry.logged import logged


class ApiDocsServices(ServiceGroup, frozen=True):
    """The services that make and read API documentation and other files of the confined process."""

    @cached_property
    def documentation(self) -> ApiDocs:
        return ApiDocs(
            authorization=self._registry.rights.authorization,
            hosted=self._registry.packages.hosted,
            package_reader=self._parts.packages.package_cache,
            documents=self._adapters.documents,
            pieces=self.pieces,
            queue=self.queue,
        )

    @cached_property
    def pieces(self) -> PieceReader:
        return PieceReader(documents=self._adapters.documents)

    @cached_property
    def history(self) -> ApiHistory:
        return ApiHistory(directory=self._adapters.directory)

    @cached_property
    def dependency_updates(self) -> DependencyUpdates:
        return DependencyUpdates(
            hosted=self._registry.packages.hosted,
            successors=self._registry.packages.successors,
            history=self.history,
        )

    @cached_property
    def generation(self) -> ApiDocsGeneration:
        return ApiDocsGeneration(
            inputs=self._parts.api_docs.job_inputs,
            confined=self._adapters.confined,
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            history=self.history,
            pieces=self.pieces,
            derived_data=self._registry.packages.derived_data,
            clock=self._adapters.clock,
            tell_owners=self._registry.publishing.warnings.of_verdict,
        )

    @cached_property
    def queue(self) -> ApiDocsQueue:
        return self._close_at_end(
            ApiDocsQueue(
                generation=self.generation,
                metadata=self._adapters.metadata,
                on_failure=logged("api_docs.failed", "coordinate", "reason", level=log.error),
            )
        )

    @cached_property
    def backfill(self) -> ApiDocsBackfill:
        return ApiDocsBackfill(generation=self.generation, metadata=self._adapters.metadata)

    @cached_property
    def on_demand_jobs(self) -> OnDemandJobs:
        return self._close_at_end(OnDemandJobs())

    @cached_property
    def file_highlighting(self) -> FileHighlighting:
        return FileHighlighting(
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            confined=self._adapters.confined,
            jobs=self.on_demand_jobs,
        )

    @cached_property
    def comparisons(self) -> ApiComparisons:
        return ApiComparisons(
            api_docs=self.documentation,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            inputs=self._parts.api_docs.job_inputs,
            confined=self._adapters.confined,
            # A separate queue, so that a comparison does not wait for pages of source code.
            jobs=self._close_at_end(OnDemandJobs()),
        )

    @cached_property
    def editor_items(self) -> EditorItems:
        return EditorItems(
            search=self._registry.packages.search,
            hosted=self._registry.packages.hosted,
            api_docs=self.documentation,
            metadata=self._adapters.metadata,
        )

    @cached_property
    def sboms(self) -> Sboms:
        return Sboms(
            hosted=self._registry.packages.hosted,
            api_docs=self.documentation,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            confined=self._adapters.confined,
            jobs=self._close_at_end(OnDemandJobs()),
        )


class QualityServices(ServiceGroup, frozen=True):
    """What helps to choose a package, and to make one better."""

    @cached_property
    def checklists(self) -> Checklists:
        return Checklists(
            details=self._registry.packages.details, pieces=self._registry.api_docs.pieces
        )

    @cached_property
    def comparison(self) -> PackageComparison:
        return PackageComparison(
            details=self._registry.packages.details,
            search=self._registry.packages.search,
            pieces=self._registry.api_docs.pieces,
        )


class ApiDocsParts(ServiceGroup, frozen=True):
    """The inputs of jobs of the confined process."""

    @cached_property
    def job_inputs(self) -> JobInputs:
        return JobInputs(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            archives=self._adapters.archives,
            environment=self._settings.environment,
        )

    @cached_property
    def version_checks(self) -> VersionChecks:
        return VersionChecks(inputs=self.job_inputs, confined=self._adapters.confined)
