"""The task `secrets`: finds secrets in the files of an archive that somebody pushes.

JARs and other archives inside are not opened: their files are no texts.
"""

from collections.abc import Iterable

import msgspec

from shared.confined.job_files import ARCHIVE, SECRETS_PART
from shared.confined.jobs import Json
from shared.confined.release_files import ArchiveFile
from shared.confined.tasks import Job
from shared.domain.secret_forms import FORMS, FoundSecrets, SecretSearch, is_text, own_token

# Larger files are not searched; the largest texts that people read have some MB.
MAX_SEARCHED_BYTES = 32 * 1024 * 1024


class SecretRequest(msgspec.Struct, frozen=True):
    """The files to search; and the form of the access tokens of this registry, if these are looked
    for: how they begin, their length from there on, and that of their checksum."""

    files: tuple[str, ...] = ()
    own_token: tuple[str, int, int] | None = None


def find_secrets(job: Job) -> None:
    """Search the files of the request; the result are `FoundSecrets`."""
    request = msgspec.convert(job.request, SecretRequest)
    archive = ArchiveFile(job.folder / ARCHIVE)

    def work() -> Json:
        return as_json(secrets_of(archive, request.files, request.own_token))

    job.run_last(SECRETS_PART, work)


def secrets_of(
    archive: ArchiveFile, files: Iterable[str], own: tuple[str, int, int] | None
) -> FoundSecrets:
    """Return the secrets in files of an archive, in their order."""
    search = SecretSearch((*FORMS, own_token(*own)) if own else FORMS)
    for name in files:
        if search.is_over:
            break
        if archive.size(name) <= MAX_SEARCHED_BYTES and _begins_as_text(archive, name):
            search.search(name, archive.read(name))
    return search.found


def _begins_as_text(archive: ArchiveFile, name: str) -> bool:
    return is_text(bytes(next(iter(archive.pieces(name)), b"")))


def as_json(found: FoundSecrets) -> Json:
    """Return what was found in the form of a result of the confined process."""
    return msgspec.to_builtins(found)
