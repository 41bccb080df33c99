"""What the search index stores of a listing: an excerpt, as compressed JSON."""

import zlib

from pydantic import TypeAdapter

from shared.domain.listings import Listing
from shared.domain.packages import ModuleText, Texts

# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
DEPENDENCY_BYTES = 64

_LISTING = TypeAdapter(Listing)
_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.


def excerpt(listing: Listing) -> Listing:
    """Return the listing as it is stored: the beginning of its readme, no readmes of modules, and
    no events, which are not for every reader."""
    texts = Texts(
        readme=listing.texts.readme[:README_CHARACTERS],
        modules=tuple(
            ModuleText(name=each.name, summary=each.summary) for each in listing.texts.modules
        ),
    )
    head = listing.head.model_copy(update={"outbox": ()})
    release = listing.release.model_copy(update={"outbox": ()})
    return Listing(head, release, texts, listing.is_standard, listing.api, listing.symbols)


def size_of(listing: Listing) -> int:
    """Return about how many bytes of JSON the excerpt of a listing takes, and no more work."""
    release = listing.release
    texts = (*release.keywords, *release.modules, *release.tools, release.summary)
    parts = len(release.dependencies) * DEPENDENCY_BYTES + sum(map(len, texts))
    return parts + min(len(listing.texts.readme), README_CHARACTERS) + 1_024


def write_listing(listing: Listing) -> bytes:
    """Return the listing as compressed JSON: many rows on a page of the file instead of one."""
    packer = zlib.compressobj(_COMPRESSION, zdict=COMPRESSION_DICTIONARY)
    return packer.compress(_LISTING.dump_json(listing)) + packer.flush()


def read_listing(stored: bytes) -> Listing:
    """Return the listing that `write_listing` wrote."""
    return _LISTING.validate_json(
        zlib.decompressobj(zdict=COMPRESSION_DICTIONARY).decompress(stored)
    )


def is_longer_than(stored: bytes, limit: int) -> bool:
    """Check whether what `write_listing` wrote is more than `limit` bytes of JSON; no more of it is
    unpacked."""
    unpacking = zlib.decompressobj(zdict=COMPRESSION_DICTIONARY)
    unpacking.decompress(stored, limit)
    return bool(unpacking.unconsumed_tail)


# What nearly every stored listing says, so that the compressed one need not say it again.
#
# A row of a small package takes 100 bytes instead of 480, one with a readme 700 instead of 1,160.
# The text never changes: whoever changes it appends a migration that drops the rows. That it does
# not know a newer field costs a few bytes a row and nothing else.
#
# The later something stands here, the cheaper it is to refer to.
COMPRESSION_DICTIONARY = (
    b'{"schema_version":1,"name":"","summary":"","readme":""},'
    b'{"schema_version":1,"org":"ballerina","name":"http","version":"2.0.0"},'
    b'{"schema_version":1,"org":"ballerinai","name":"observe","version":"0"}'
    b'"provenance":{"schema_version":1,"provider":"github","publishers":[""],"repository":"",'
    b'"workflow":".github/workflows/","ref":"refs/heads/main","commit":"","run_url":"https://github.com/"}'
    b'"deprecation":"Use ","icon":"docs/icon.png","template":true,"graalvm":"Yes",'
    b'"graalvm":"No","compiler_plugin":true,"sbom":true,"visibility":"private","platform":"java17",'
    b'"platform":"java21","platform":"java11","source_repository":"https://github.com/ballerina-platform/'
    b'module-ballerinax-","licenses":["Apache-2.0"],"authors":["Ballerina"],"keywords":["Vendor/","Area/",'
    b'"Type/Connector","IT Operations/","Business Management/","client","service","cloud"],'
    b'"readme":"## Overview\\n\\nThis module provides APIs for connecting with the Ballerina '
    b"connector for the package. For more information, see \\n\\n```ballerina\\nimport "
    b"ballerina/http;\\n\\npublic "
    b"function main() returns error? {\\n    check new \\n}\\n```\\n\\n### Quickstart\\n\\n"
    b'{"head":{"schema_version":1,"org":"ballerinax","name":"","visibility":"public","created_ms":17'
    b'00000000000,"changed_ms":null,"deprecation":null,"pushers":"members","made_by":[],"pulls":0,'
    b'"revision":1,"outbox":[]},"release":{"schema_version":1,"org":"ballerinax","name":"","version":"1.0.0",'
    b'"digest":"","size_bytes":10000,"platform":"any","ballerina_version":"2201.12.0","bala_version":"3.0.0",'
    b'"language_spec_version":"2024R1","implementation_vendor":"WSO2","summary":"","licenses":[],"authors":[],'
    b'"keywords":[],"source_repository":"","icon":"","template":false,"graalvm":"Unknown","modules":[""],'
    b'"internal_modules":[],'
    b'"dependencies":[],"tools":[],"compiler_plugin":false,"sbom":false,"created_ms":1700000000000,'
    b'"changed_ms":null,"origin":{"schema_version":1,"principal":"","credential":"","provenance":null},'
    b'"state":"live","state_reason":"","awaits_owner":false,"deprecation":null,"revision":1,"outbox":[]},'
    b'"texts":{"schema_version":1,"readme":"","modules":[{"schema_version":1,"name":"","summary":"","readme":""}]}}'
)
