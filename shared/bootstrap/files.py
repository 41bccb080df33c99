"""The files that commands write and read. Commands name no adapter."""

from shared.adapters.evidence_folder import read_folder, write_folder
from shared.adapters.index_export import open_index_export

exported_index = open_index_export
write_evidence = write_folder
read_evidence = read_folder


def bundle_files():  # Not annotated, so that its type is that of the module.
    """Return the module of bundles and their keys, which imports cryptography."""
    from shared.adapters import bundle_files

    return bundle_files
