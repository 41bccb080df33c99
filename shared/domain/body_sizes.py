"""How large the body of a request may be.

A Functions host reads the whole body before it calls the Function, and holds and parses it several
times over. So every operation takes small bodies, except those that take an archive, and those of
the groups of a directory. The limit and the requests that an instance takes at once belong
together, and infra/modules/functions.bicep has both for each role of an app (`bounds`).

Who refuses a larger body: `_require_a_small_body` in functions/http/operations.py for every
operation that takes no archive, `upload_body` in functions/http/requests.py for uploads, and the
local host in shared/hosting/request_bodies.py before it reads the body.
"""

MAX_BODY_BYTES = 128 * 1024  # Of an operation that takes no archive.
# Of a group that a directory sends: 5,000 members, each of them in the longest form that Entra has,
# an operation for each (some 90 bytes).
MAX_GROUP_BYTES = 512 * 1024
MAX_MULTIPART_OVERHEAD_BYTES = 1024 * 1024  # Of a form, beside the archive in it.
