"""Creates the services of bundles."""

from dataclasses import dataclass
from typing import Self

from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.common import Common
from shared.services.mirroring.group import pseudonym_of
from shared.services.mirroring.mirrored_releases import MirroredReleases, PinnedDigests
from shared.services.packages.group import PackageServices


@dataclass(frozen=True)
class BundleServices:
    """The services that write releases into bundles, and import them."""

    exporting: BundleExport
    importing: BundleImport

    @classmethod
    def build(cls, common: Common, packages: PackageServices) -> Self:
        adapters, settings = common.adapters, common.settings
        metadata, clock = adapters.metadata, adapters.clock
        return cls(
            BundleExport(
                metadata,
                adapters.archives,
                adapters.pulls,
                adapters.events,
                settings.base_url,
                pseudonym_of(settings.base_url),
            ),
            BundleImport(
                metadata,
                adapters.directory,
                PinnedDigests(
                    adapters.directory, common.record_writer, common.administration, clock
                ),
                packages.record_writer,
                MirroredReleases(
                    metadata,
                    adapters.documents,
                    adapters.archives,
                    packages.derived_data,
                    clock,
                ),
                packages.archive_reader.of_mirrored,
                clock,
            ),
        )
