"""Names in sources, where a word that the language reserves has a quote, as in `data.'table`."""

# Every word that some version of the language reserves, because each name may have a quote.
_WORDS = """abort abstract annotation any anydata as ascending base16 base64 boolean break
    by byte check checkpanic class client collect commit configurable conflict const
    continue decimal default descending distinct do else enum equals error external fail
    false field final float flush foreach fork from function future group handle if import
    in int is isolated join json key let limit listener lock map match natural never new
    null object on order outer panic parameter private public re readonly record remote
    resource retry return returns rollback select service source start stream string table
    transaction transactional trap true type typedesc typeof var variable version wait where
    while with worker xml xmlns"""
KEYWORDS = frozenset(_WORDS.split())


def quoted_word(name: str) -> str:
    return f"'{name}" if name in KEYWORDS else name


def import_line(org: str, module: str) -> str:
    return f"import {quoted_word(org)}/{'.'.join(map(quoted_word, module.split('.')))};"


def module_prefix(module: str) -> str:
    """Return the prefix of the names of a module, whose import gives no other."""
    return quoted_word(module.rpartition(".")[2])
