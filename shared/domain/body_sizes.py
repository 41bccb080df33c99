"""How large the body of a request may be.

A Functions host reads the whole body before it calls the Function, and holds and parses it several
times over. So every operation takes small bodies, except those that take an archive, and those of
the groups of a directory. The limit and the requests that an instance takes at once belong
together, and infra/modules/functions.bicep has both for each role of an app (`bounds`).

Who refuses a larger body: `_require_a_small_body` in functions/http/operations.py for every
operation that takes no archive, `upload_body` in functions/http/body_parsing.py for uploads, and
the local host in shared/hosting/request_bodies.py before it reads the body.
"""

MAX_BODY_BYTES = 128 * 1024  # The body of an operation that takes no archive.
# The body of a group that a directory sends: an operation (about 90 bytes) for each of 5,000
# members, each in the longest form that Entra ID has.
MAX_GROUP_BYTES = 512 * 1024
# What a form with an archive may have besides the archive.
MAX_MULTIPART_OVERHEAD_BYTES = 1024 * 1024
