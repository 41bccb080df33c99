"""How the packages that a search finds divide: the number of packages with each trait."""

from collections import Counter
from collections.abc import Iterator, Set

from shared.adapters.search.postings import Postings, ids_of
from shared.domain.search import Facet, FacetValue

_FACETS = {each.value: each for each in Facet}


def count_traits(postings: Postings, packages: Set[int]) -> Iterator[tuple[FacetValue, int]]:
    """Yield the traits that these packages have, each with the number of packages."""
    stored = postings.connection.execute(
        "SELECT traits FROM packages WHERE id IN (SELECT value FROM json_each(?))",
        (str([*packages]),),
    )
    counts = Counter(ids_of(b"".join([traits for [traits] in stored])))
    spellings = postings.connection.execute(
        "SELECT id, facet, value FROM spellings WHERE id IN (SELECT value FROM json_each(?))",
        (str([*counts]),),
    )
    for spelling, facet, value in spellings:
        yield FacetValue(_FACETS[facet], value), counts[spelling]
