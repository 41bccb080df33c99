"""The task `sigstore-root`: verifies the files of The Update Framework by which Sigstore's public
good instance renews its trusted root.

The child has no network. It says which file it needs next, the parent fetches it, and the job is
run again, until it has the root.
"""

import io
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO

import msgspec

# The library has no public way to its root that writes no files.
from sigstore._internal.tuf import DEFAULT_TUF_URL
from sigstore._utils import read_embedded
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater

from shared.confined.job_files import FETCHED, METADATA, TRUSTED_ROOT
from shared.confined.jobs import Json
from shared.confined.sigstore_bundles import read_root
from shared.confined.tasks import Job

BASE = "https://tuf.invalid/"  # Nothing is fetched here.
TARGETS = "targets/"
_SENTENCE = 400


class FileNeeded(Exception):
    """The next step takes a file that was not fetched yet; the text is its name."""


def renew_root(job: Job) -> None:
    """Verify what was fetched; the result says which file is needed, that the root is there, or why
    it cannot be renewed. The request lists the files that the server does not have."""
    missing = msgspec.convert(job.request, frozenset[str])

    def work() -> Json:
        try:
            root = _renewed(job.folder, missing)
        except FileNeeded as name:
            return {"needed": str(name)}
        except (RepositoryError, DownloadError, ValueError) as error:
            return {"failed": " ".join(str(error).split())[:_SENTENCE] or type(error).__name__}
        shutil.copyfile(root, job.output / TRUSTED_ROOT)
        for name, file in _metadata_files(job.folder / METADATA):
            shutil.copyfile(file, job.output / name)
        return {"renewed": True}

    job.run_last("renew", work)


def embedded_tuf_root() -> bytes:
    """Return the root of The Update Framework that this version of `sigstore` brings."""
    return read_embedded("root.json", DEFAULT_TUF_URL)


def _renewed(folder: Path, missing: frozenset[str]) -> Path:
    """Return the file with the trusted root, or raise `FileNeeded` or why it does not verify."""
    metadata = folder / METADATA
    history = metadata / "root_history"
    history.mkdir(parents=True, exist_ok=True)
    for each in metadata.glob("*.root.json"):  # As the parent stores them: in one folder.
        each.replace(history / each.name)
    targets = folder / "targets"
    targets.mkdir(exist_ok=True)
    updater = Updater(
        metadata_dir=str(metadata),
        metadata_base_url=BASE,
        target_base_url=f"{BASE}{TARGETS}",
        target_dir=str(targets),
        fetcher=_FetchedFiles(folder / FETCHED, missing),
        bootstrap=embedded_tuf_root(),
    )
    updater.refresh()
    info = updater.get_targetinfo(TRUSTED_ROOT)
    if info is None:
        reason = "the repository has no trusted root"
        raise ValueError(reason)
    root = Path(updater.download_target(info))
    try:
        read_root(root.read_bytes())
    except (ValueError, TypeError):
        reason = "its trusted root cannot be read by this version of the registry"
        raise ValueError(reason) from None
    return root


def _metadata_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for name in ("timestamp.json", "snapshot.json", "targets.json"):
        yield name, folder / name
    for each in (folder / "root_history").glob("*.root.json"):
        yield each.name, each


class _FetchedFiles(FetcherInterface):
    """Has the files that the parent fetched."""

    def __init__(self, folder: Path, missing: frozenset[str]) -> None:
        self._folder = folder
        self._missing = missing

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(BASE)
        if name in self._missing:
            reason = f"{name} is not there"
            raise DownloadHTTPError(reason, HTTPStatus.NOT_FOUND)
        file = self._folder / file_name(name)
        if not file.exists():
            raise FileNeeded(name)
        yield file.read_bytes()

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Generator[IO[bytes]]:
        """Yield a file; unlike the base class, without one in the folder for temporary files."""
        content = b"".join(self._fetch(url))
        if len(content) > max_length:
            reason = f"{url.removeprefix(BASE)} has more than {max_length} bytes"
            raise DownloadError(reason)
        yield io.BytesIO(content)


def file_name(name: str) -> str:
    """Return the name of the file in which the parent puts what it fetched under a name."""
    return re.sub(r"[^0-9A-Za-z._-]", "_", name)
