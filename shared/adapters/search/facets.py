"""How the packages that a search finds divide: the number of packages with each trait."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

from shared.adapters.search.postings import Postings, ids_of
from shared.domain.search import Facet


def count_traits(
    postings: Postings, packages: Set[int]
) -> Mapping[Facet, Sequence[tuple[str, int]]]:
    """Return, for each facet, the values that these packages have, each with their number."""
    stored = postings.connection.execute(
        "SELECT traits FROM packages WHERE id IN (SELECT value FROM json_each(?))",
        (str([*packages]),),
    )
    counts = Counter(ids_of(b"".join([traits for [traits] in stored])))
    spellings = postings.connection.execute(
        "SELECT id, facet, value FROM spellings WHERE id IN (SELECT value FROM json_each(?))",
        (str([*counts]),),
    )
    counted = defaultdict[str, list[tuple[str, int]]](list)
    for spelling, facet, value in spellings:
        counted[facet].append((value, counts[spelling]))
    return {Facet(facet): values for facet, values in counted.items()}
