"""Documents that never change, kept by the process that read them."""

from collections import OrderedDict


class Kept:
    """What was asked for lately, by name: so many bytes in all, and nothing larger than a part."""

    def __init__(self, most_bytes: int, largest: int) -> None:
        """Keep up to `most_bytes`, and no document above `largest` bytes."""
        self._most, self._largest = most_bytes, largest
        self._documents = OrderedDict[str, bytes]()
        self._bytes = 0

    def get(self, name: str) -> bytes | None:
        """Return the document, or None."""
        document = self._documents.get(name)
        if document is not None:
            self._documents.move_to_end(name)
        return document

    def put(self, name: str, document: bytes) -> None:
        """Keep the document, and forget those that nobody asked for the longest."""
        if len(document) > self._largest or name in self._documents:
            return
        self._documents[name] = document
        self._bytes += len(document)
        while self._bytes > self._most:
            _, oldest = self._documents.popitem(last=False)
            self._bytes -= len(oldest)
