"""The files of a job: what tasks read in its folder, and what they write into its output."""

OUTPUT = "output"  # The folder with the files of the parts that finished.

# What tasks read: a release, and documents of modules in two folders.
REQUEST, ARCHIVE = "request.json", "archive"
BEFORE, AFTER = "before", "after"  # The folders of the earlier and of the later version.
SINCE = "since"  # A file in one of these: since which version the symbols exist.
SOURCE = "source"  # The file that is highlighted.

# What they write.
RECORD, PIECES = "record.json", "all.pieces"
CHANGES_PAGE, CHANGES_JSON = "changes.html", "changes.json"
SOURCE_PAGE = "source.html"
