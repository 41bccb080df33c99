"""How large the documentation of a module may become."""

from dataclasses import dataclass

# Documentation of 1 MB of sources has 10 to 16 MB as JSON. A module of 20 MB, or one whose types
# expand each other, must not fill the memory of the worker.
DOCUMENT_LIMIT_BYTES = 64 << 20


class DocumentTooLargeError(Exception):
    """The documentation of a module reaches `DOCUMENT_LIMIT_BYTES`."""


@dataclass(slots=True)
class DocumentRoom:
    """The bytes that a document may still have, as JSON, estimated."""

    left: int = DOCUMENT_LIMIT_BYTES

    def spend(self, size: int) -> None:
        """Reserve `size` bytes, or raise `DocumentTooLargeError`."""
        self.left -= size
        if self.left < 0:
            raise DocumentTooLargeError
