"""The repair of derived data, at an operator's request: after a search index or list was lost."""

from shared.services.maintenance.repair_derived_data import RepairDerivedData


class RebuildDerivedData(RepairDerivedData):
    """Does what the nightly repair does, which continues at a checkpoint of its own."""

    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None
