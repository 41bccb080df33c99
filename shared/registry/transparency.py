"""The transparency log, and the witness of other logs."""

from functools import cached_property

from shared.registry.group import ServiceGroup
from shared.services.transparency.cosigning import COSIGN_WITHIN, Cosigning
from shared.services.transparency.log_mending import LogMending
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.log_schedule import WRITTEN_AFTER, LogWriting
from shared.services.transparency.log_writer import LogWriter
from shared.services.transparency.new_proofs import NewProofs
from shared.services.transparency.openings import Openings
from shared.services.transparency.publication import LogPublication, origin_of
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.release_proofs import ReleaseProofs
from shared.services.transparency.seeds import SeedsOfKeys
from shared.services.transparency.tile_reader import TileReader
from shared.services.transparency.witness import Witness
from shared.telemetry.log import log
from shared.telemetry.logged import logged


class TransparencyServices(ServiceGroup, frozen=True):
    """The transparency log as it is published, and the witness of other logs."""

    @cached_property
    def reader(self) -> LogReader:
        return LogReader(
            files=self._adapters.log_files,
            tiles=TileReader(files=self._adapters.log_files),
            directory=self._adapters.directory,
        )

    @cached_property
    def publication(self) -> LogPublication:
        return LogPublication(
            reader=self.reader,
            seeds=self._parts.transparency.log_seeds,
            witnesses=self._settings.witnesses,
            base_url=self._settings.base_url,
        )

    @cached_property
    def proofs(self) -> ReleaseProofs:
        return ReleaseProofs(
            directory=self._adapters.directory,
            events=self._adapters.events,
            reader=self.reader,
            published=self._parts.transparency.published_checkpoints,
            read_only_mode=self._parts.foundation.read_only_mode,
            clock=self._adapters.clock,
        )

    @cached_property
    def mending(self) -> LogMending:
        return LogMending(
            files=self._adapters.log_files,
            leaves=self._adapters.events,
            directory=self._adapters.directory,
            seeds=self._parts.transparency.log_seeds,
            clock=self._adapters.clock,
        )

    @cached_property
    def witness(self) -> Witness:
        return Witness(
            directory=self._adapters.directory,
            clock=self._adapters.clock,
            seeds=SeedsOfKeys(keys=self._adapters.witness_keys),
            name=f"{self._settings.base_url.partition('://')[2]}/witness",
            keys=self._settings.witnessed_keys,
        )

    @cached_property
    def openings(self) -> Openings:
        return Openings(
            events=self._adapters.events,
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            authorization=self._registry.rights.authorization,
            registry_authorization=self._registry.rights.registry_authorization,
        )


class TransparencyParts(ServiceGroup, frozen=True):
    """The writer of the log and what it needs."""

    @cached_property
    def log_seeds(self) -> SeedsOfKeys:
        return SeedsOfKeys(keys=self._adapters.log_keys)

    @cached_property
    def log_writer(self) -> LogWriter:
        return LogWriter(
            origin=origin_of(self._settings.base_url),
            files=self._adapters.log_files,
            leaves=self._adapters.events,
            directory=self._adapters.directory,
            seeds=self.log_seeds,
            cosigners=self.cosigning,
            kept=self.published_checkpoints,
            proofs=NewProofs(directory=self._adapters.directory),
            leases=self._parts.foundation.leases,
            clock=self._adapters.clock,
        )

    @cached_property
    def log_writing(self) -> LogWriting:
        return self._close_at_end(LogWriting(write=self._write_log, after=WRITTEN_AFTER))

    async def _write_log(self) -> int | None:
        # The writer reads the events that start it, so they are created before it.
        return await self.log_writer.write()

    @cached_property
    def published_checkpoints(self) -> PublishedCheckpoints:
        return PublishedCheckpoints(directory=self._adapters.directory)

    @cached_property
    def cosigning(self) -> Cosigning:
        return Cosigning(
            fetcher=self._adapters.fetcher,
            witnesses=self._settings.witnesses.witnesses,
            on_failure=logged("witness.silent", "witness", "reason"),
            on_disagreement=logged("witness.disagrees", "witness", "reason", level=log.error),
            within=COSIGN_WITHIN,
        )
