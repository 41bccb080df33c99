"""The archive of the sample package `acme/greet`, which a new registry is tried with."""

import io
import zipfile
from pathlib import Path

SAMPLE_NAME = "greet.bala"
SOURCES = Path(__file__).parent / "sample_package"
_DATE = (1980, 1, 1, 0, 0, 0)  # The earliest that a zip can say.


def sample_archive(sources: Path = SOURCES) -> bytes:
    """Return the archive of the sources: the same bytes on every machine."""
    buffer = io.BytesIO()
    # Stored, because versions of zlib compress differently.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, file in sorted(_files(sources).items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 0  # The same on every system.
            archive.writestr(info, file.read_bytes())
    return buffer.getvalue()


def _files(sources: Path) -> dict[str, Path]:
    found = (each for each in sources.rglob("*") if each.is_file())
    return {each.relative_to(sources).as_posix(): each for each in found}
