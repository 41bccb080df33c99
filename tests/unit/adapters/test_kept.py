"""Documents that a process keeps."""

from shared.adapters.blob.documents import BlobContentCache


def test_what_was_asked_for_lately_is_kept() -> None:
    kept = BlobContentCache(most_bytes=10, largest=5)
    for name in ("a", "b"):
        kept.put(name, b"12345")
    assert kept.get("a") == b"12345"
    kept.put("c", b"12345")
    assert kept.get("b") is None
    assert kept.get("a") == kept.get("c") == b"12345"


def test_one_large_document_does_not_push_out_the_others() -> None:
    kept = BlobContentCache(most_bytes=10, largest=5)
    kept.put("a", b"12345")
    kept.put("large", b"123456")
    assert kept.get("large") is None
    assert kept.get("a") == b"12345"


def test_a_document_is_counted_once() -> None:
    kept = BlobContentCache(most_bytes=10, largest=5)
    for _ in range(3):
        kept.put("a", b"12345")
    kept.put("b", b"12345")
    assert kept.get("a") == kept.get("b") == b"12345"
