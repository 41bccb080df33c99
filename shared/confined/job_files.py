"""The names of the files that tasks read and write, and of a part of their results."""

OUTPUT = "output"  # The folder with the files of the parts that finished.

# What tasks read: a release, and documents of modules in two folders.
REQUEST = "request.json"
ARCHIVE = "archive"
BEFORE = "before"  # The folder of the earlier version.
AFTER = "after"  # The folder of the later version.
SINCE = "since"  # A file in one of these: since which version the symbols exist.
SOURCE = "source"  # The file that is highlighted.
REGISTRY_SBOM = "registry.cdx.json"
AUTHOR_SBOM = "author.cdx.json"
SIGSTORE_BUNDLE = "sigstore.json"
ROOTS = "roots"  # The folder of trusted roots of Sigstore.
METADATA = "metadata"  # The folder of the verified files of The Update Framework.
FETCHED = "fetched"  # The folder of the fetched files.

# What they write.
RECORD = "record.json"
PIECES = "all.pieces"
SOURCE_PAGE = "source.html"
DIFFERENCES = "differences.json"
TRUSTED_ROOT = "trusted_root.json"


ADVISORIES = "advisories.input"
ADVISORY_LINES = ".jsonl"  # How files of records end; their names order them.
MAX_REFUSED_ADVISORIES = 20  # Records of a part, or of the whole, that are named.


# The part with the secrets, in the results of both kinds of jobs: those that document a release,
# and those that only search it for secrets.
SECRETS_PART = "secrets"
