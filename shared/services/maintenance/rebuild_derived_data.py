"""Task `rebuild-derived-data`, on request: computes the lists, search entries and documents of all
packages again."""

from shared.services.maintenance.repair_derived_data import RepairDerivedData


class RebuildDerivedData(RepairDerivedData, frozen=True):
    """Does what the nightly repair does, which continues at a checkpoint of its own."""

    id = "rebuild-derived-data"
    title = "Rebuild derived data"
    sentence = (
        "Computes lists, search entries and documents of all packages again from their releases."
    )
    schedule = None
