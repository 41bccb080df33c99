"""The API documentation of releases.

model.py       the documentation of a module, as immutable values
generator.py   from the declarations of a package's modules to its documentation
filing.py      which list of the documentation each declaration belongs to
declarations.py, types.py, inclusions.py, comments.py  its parts
fields.py      the fields of records, with those that they include
other_packages.py  fields that records include from other packages
resolving.py   what the names in the sources refer to
document_room.py  how large a document may become
documents.py   the documentation as Central's JSON, and back
signatures.py  declarations as source text whose types are linked
resource_paths.py  the segments of paths of resource methods
type_parts.py  types as source text
language.py    the modules of the language
symbols.py     a public symbol, by which a package is found
connectors.py  clients and triggers, as editors read them
comparison.py  the changes between two versions, and which of them break callers
"""
