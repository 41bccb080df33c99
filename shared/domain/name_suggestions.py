"""Known names that are similar to one that nothing has, for whoever mistyped it."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LEAST_LIKENESS = 0.7  # From 0 to 1: of `htpp` and `http` 0.75, of `pst` and `post` 0.86.
MAX_SIMILAR = 5  # Names that somebody who mistyped one is shown.
MAX_COMPARED = 2_000  # Names: each takes some 10 microseconds.


def similar_names(wanted: str, known: Iterable[str]) -> list[str]:
    """Return the few known names that are most similar to another one, in any case: as a whole or
    by their last part, `post` of `Client.post`; then those that contain it.

    Takes up to half a second for names that authors chose to be alike, so call it on a thread.
    """
    names = dict[str, str]()
    for each in islice(known, MAX_COMPARED):
        names.setdefault(each.casefold(), each)
    key = wanted.casefold()
    last = _last_part(key)
    ends = dict[str, list[str]]()
    for each in names:
        ends.setdefault(_last_part(each), []).append(each)
    found = [each for each in ends.get(last, ()) if last]
    found += get_close_matches(key, names, MAX_SIMILAR, LEAST_LIKENESS)
    for end in get_close_matches(last, ends, MAX_SIMILAR, LEAST_LIKENESS):
        found += ends[end]
    found += [each for each in names if last and last in each]
    return [names[each] for each in islice(dict.fromkeys(found), MAX_SIMILAR)]


def _last_part(name: str) -> str:
    return name.rpartition(".")[2].partition(" ")[0]
