"""Which caches may keep an answer."""

from shared.runtime.answers import Answer

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = "no-cache"  # Builds need the latest push; a conditional request is cheap.
CACHE_PRIVATE = "private, no-store"
IMMUTABLE = "public, max-age=31536000, immutable"  # Another content has another URL.


def make_private(answer: Answer) -> None:
    """Keep the answer out of shared caches."""
    if is_publicly_cacheable(answer):
        answer.headers["Cache-Control"] = CACHE_PRIVATE


def is_publicly_cacheable(answer: Answer) -> bool:
    """Check whether shared caches may keep the answer. Such an answer contains nobody's
    secrets."""
    caching = answer.headers.get("Cache-Control", "no-store")
    return "no-store" not in caching and "private" not in caching
