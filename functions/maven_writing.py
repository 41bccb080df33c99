"""What the Maven face does with the files that a client sends, one a request."""

from functions._maven_paths import FileKind, PackageMetadata, ReleaseFile, Target
from shared.domain.checksum import Algorithm, Checksum
from shared.domain.identity import Principal
from shared.domain.rates import OperationClass
from shared.registry import Registry


async def take(registry: Registry, target: Target, content: bytes, by: Principal) -> None:
    """Publish an archive, or take a file that comes beside one; raise its refusal."""
    await registry.limiting.admit(OperationClass.PUSH)
    deploying = registry.deploying
    match target:
        case Target(ReleaseFile(at, FileKind.ARCHIVE), None):
            await deploying.archive(content, at, by=by)
        case Target(ReleaseFile(at, FileKind.ARCHIVE), Algorithm() as algorithm):
            await deploying.archive_checksum(content, algorithm, at, by=by)
        case Target(ReleaseFile(at, FileKind.POM), None):
            await deploying.pom(content, at, by=by)
        case Target(ReleaseFile(at, FileKind.SBOM), None):
            await deploying.sbom(content, at, by=by)
        case _:
            await _take_and_drop(registry, target, content, by)


async def _take_and_drop(registry: Registry, target: Target, content: bytes, by: Principal) -> None:
    """Take what is made here anew: metadata that the client merged, and checksums of its own files.

    To refuse them would fail the push, and a checksum of what is not kept tells nothing but
    whether it is one.
    """
    match target.resource:
        case ReleaseFile(at, _):
            package = at.package
        case PackageMetadata(package):
            pass
        case _:
            return
    await registry.deploying.require_right(package, by=by)
    if target.algorithm:
        Checksum.parse(target.algorithm, content)
