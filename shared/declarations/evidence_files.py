"""The files of evidence that say what is declared here."""

from collections.abc import Mapping

from msgspec import to_builtins

from shared.declarations.outbound import CONNECTIONS
from shared.declarations.personal_data import PERSONAL_RECORDS
from shared.declarations.retention import RETENTION, kept_kinds


def declared_files() -> Mapping[str, object]:
    """Return the contents of the files by their names, as JSON has them."""
    return {
        "personal-data.json": _personal_data(),
        "retention.json": _retention(),
        "connections.json": to_builtins(list(CONNECTIONS)),
    }


def _personal_data() -> list[dict[str, object]]:
    return [
        {
            "record": each.record.__name__,
            "where": each.where,
            "field": name,
            "why": field.why,
            "kept": field.lifetime.kept,
            "goes": field.lifetime.goes,
        }
        for each in PERSONAL_RECORDS
        for name, field in each.fields.items()
    ]


def _retention() -> Mapping[str, object]:
    kinds = [
        {"kind": kind.__name__, "kept": lifetime.kept, "goes": lifetime.goes}
        for kind, lifetime in kept_kinds()
    ]
    return {"stores": to_builtins(list(RETENTION)), "kinds": kinds}
