"""The tables of docs/run/personal-data.md that say how long each store is kept, as
shared/declarations/retention.py declares them.
"""

from shared.declarations.personal_data import PERSONAL_RECORDS
from shared.declarations.retention import KINDS, RETENTION, KeptStore
from tests.support.markdown_tables import markdown_table

_STORES = ("what", "about people", "on one machine", "in Azure", "how long", "how it goes")
_RECORDS = ("kinds of records", "how long", "how it goes")


def retention_tables() -> str:
    """Return the table of the stores and that of the kinds of records, in Markdown."""
    people = {each.record for each in PERSONAL_RECORDS}
    kinds = [
        (
            ", ".join(
                f"**`{each.kind}`**" if each in people else f"`{each.kind}`" for each in row.kinds
            ),
            row.lifetime.kept,
            row.lifetime.goes,
        )
        for row in KINDS
    ]
    return f"{markdown_table(_STORES, map(_row, RETENTION))}\n\n{markdown_table(_RECORDS, kinds)}"


def _row(store: KeptStore) -> tuple[str, ...]:
    machine = (*_places("table", store.tables), *_places("file", store.files), store.of_machine)
    cloud = (
        *_places("container", store.items),
        *_places("blobs", store.blobs),
        *_places("log", store.logs),
        store.of_azure,
    )
    people = "yes" if store.is_about_people else "no"
    lifetime = store.lifetime
    return store.what, people, _listed(machine), _listed(cloud), lifetime.kept, lifetime.goes


def _listed(places: tuple[str, ...]) -> str:
    return "; ".join(filter(None, places))


def _places(kind: str, names: tuple[str, ...]) -> list[str]:
    return [f"{kind} {', '.join(f'`{name}`' for name in names)}"] if names else []
