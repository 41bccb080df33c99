"""Every refusal of the registry, with the sentence that its user reads.

    Refusal
    ├── Invalid              the request or the archive cannot be accepted as it is
    │   ├── InvalidName · InvalidVersion · InvalidRange · InvalidDigest · InvalidRequest
    │   ├── PostWanted
    │   ├── DigestMismatch · VisibilityDiffers · SpelledDifferently
    │   ├── UploadMissing · TokenMisplaced
    │   ├── PackageIsDeprecated · MissingDependencies
    │   ├── NotDeployable · ChecksumUnreadable · ChecksumDiffers · PomUnreadable · PomDiffers
    │   ├── SbomUnreadable · SearchUnreadable
    │   └── BadArchive       one class for each reason to refuse a bala, in bad_archive.py
    ├── NotFound             it does not exist for this caller
    │   ├── PackageNotFound · ReleaseNotFound · ToolNotFound · ToolVersionNotFound
    │   ├── OrganizationNotFound · AccountNotFound · TokenNotFound
    │   ├── ArchiveNotFound · PathNotFound · SbomNotFound
    │   └── PageNotFound · PublisherNotFound · FileNotInArchive · NoticeNotFound
    ├── Conflict             it clashes with what is there
    │   ├── VersionExists · SbomExists · ToolTaken · OrganizationExists · AccountExists · LastOwner
    │   └── PublisherExists · NotAwaited · TooManyNotices
    ├── Unauthenticated      who is asking cannot be told
    │   ├── CredentialsMissing · CredentialsWanted · RepositoryTokenMissing
    │   ├── TokenUnknown · TokenExpired · TokenMalformed · TokenPlaceholder · TokenForeign
    │   ├── LinkExpired · ReportUnsigned
    │   └── SignedTokenRefused · IdTokenUsed
    ├── Forbidden            the caller may not do this
    │   ├── NotPermitted · NameReserved · SignInAgain · PublishersAlone · FormForeign
    │   └── Untrusted        one class for each reason to refuse a job, in untrusted.py
    ├── TooMany              it comes too often
    │   └── TooManyRequests · TooManyFailures
    ├── MethodNotAllowed     the path is there, but not for this method
    ├── LengthMissing        its body came without a length, so nothing of it was read
    ├── TooLarge             it is over a limit
    │   └── ArchiveTooLarge · FileTooLarge · FileTooLargeToShow · TooManyReported
    └── Unavailable          try again later
        ├── Busy · StorageFull · StorageNotWritable · NotListedYet · SearchLoading · DomainSilent
        └── IssuerSilent · TakesNoChanges · SigningKeyUnavailable · NoRoomForUpload

A face maps each kind to a status and a body, because clients differ.
"""

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from shared.domain.token_texts import without_tokens

if TYPE_CHECKING:
    from shared.domain.names import Coordinate, Package
    from shared.domain.rates import Allowance


class Kind(Enum):
    """What a face needs to know of a refusal to choose its status."""

    INVALID = "invalid"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    LENGTH_MISSING = "length-missing"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """A request that the registry declines; `str()` is one sentence for the user."""

    kind: ClassVar[Kind]

    def __str__(self) -> str:
        """Return the sentence as one line that no terminal obeys, whoever's words are in it.

        A sentence repeats what somebody has sent, and that may be a token in the wrong place.
        """
        sentence = without_tokens(super().__str__())
        if sentence.isprintable():
            return sentence
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sentence)


class Invalid(Refusal):
    """The request or the archive cannot be accepted as it is."""

    kind = Kind.INVALID


class InvalidName(Invalid):
    """A name breaks the rules for organizations, packages or modules."""

    def __init__(self, what: str, text: str, rule: str) -> None:
        """Name `what` kind of name `text` was to be, and the `rule` that it breaks."""
        super().__init__(f"{_quoted(text)} is not a valid {what} name. {rule}")
        self.text = text


class InvalidVersion(Invalid):
    """A version is not one that clients can read."""

    def __init__(self, text: str, reason: str) -> None:
        """Say why `text` is no version."""
        super().__init__(
            f"{_quoted(text)} is not a version: {reason}. Use semantic versioning, such as 1.2.3."
        )


class InvalidRange(Invalid):
    """A wildcard is not of a form that clients may ask for."""

    def __init__(self, text: str) -> None:
        """Say which forms there are."""
        super().__init__(f"{_quoted(text)} is not a version range. Ask for *, 1.* or 1.2.*.")


class InvalidDigest(Invalid):
    """A digest is not SHA-256 in hexadecimal digits."""

    def __init__(self, text: str) -> None:
        """Show the form that is read."""
        super().__init__(
            f"{_quoted(text)} is not a digest. Send sha-256= and the hexadecimal SHA-256."
        )


class InvalidRequest(Invalid):
    """A part of the request cannot be read; the sentence is the caller's."""


class PostWanted(Invalid):
    """A GET of an operation that reads a list from the body of a POST."""

    def __init__(self, operation: str) -> None:
        """Name the operation and how it is asked."""
        super().__init__(
            f"{operation} is no organization but an operation: send it a POST whose body is the "
            "JSON that lists what to resolve."
        )


class BodyUnreadable(Invalid):
    """The body is not what the operation reads."""

    def __init__(self, expected: str) -> None:
        """Say what is read."""
        super().__init__(f"The body of the request cannot be read. Send {expected}.")


class UploadCutOff(Invalid):
    """A multipart body ended early, or is damaged."""

    def __init__(self) -> None:
        """Say that a repeat is fine."""
        super().__init__("The upload is damaged or was cut off. Nothing was stored; push again.")


class RangeNotDeprecable(Invalid):
    """A deprecation names several versions, but not the whole package."""

    def __init__(self, wanted: object) -> None:
        """Say what can be deprecated."""
        super().__init__(
            f"{wanted} names several versions. Deprecate one version, or the whole package with *."
        )


class MessageTooLong(Invalid):
    """A deprecation's message does not fit into the header that carries it."""

    def __init__(self, length: int, limit: int) -> None:
        """Show both lengths, in characters."""
        super().__init__(
            f"The deprecation message has {length} characters, and {limit} fit. "
            "Shorten it, and point to a page for the rest."
        )


class RemovedForGood(Invalid):
    """A removed release cannot come back."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(
            f"{coordinate} was removed for good, and its version is never free again. "
            "Publish a new version instead."
        )


class TokenMisplaced(Invalid):
    """A request carries an access token where it would be stored or shown."""

    def __init__(self) -> None:
        """Say where tokens go, and what to do with this one."""
        super().__init__(
            "The body of the request holds an access token, and nothing was stored. Tokens go into "
            "the Authorization header alone; revoke this one if others could have read it."
        )


class DigestMismatch(Invalid):
    """The bytes that arrived are not the bytes that were announced."""

    def __init__(self, claimed: object, actual: object) -> None:
        """Show both digests."""
        super().__init__(
            f"The archive's SHA-256 is {actual}, but the request announced {claimed}. "
            "It was damaged on the way; push it again."
        )


class VisibilityDiffers(Invalid):
    """A private archive was pushed to a package that everybody can read."""

    def __init__(self, package: "Package") -> None:
        """Name the package that is public already."""
        super().__init__(
            f'{package} is public, but this archive says visibility = "private". '
            "Remove the line from Ballerina.toml, or push under another name."
        )


class SpelledDifferently(Invalid):
    """A name differs from one that is taken in case alone."""

    def __init__(self, given: object, taken: object) -> None:
        """Show both spellings."""
        super().__init__(
            f"{given} differs from {taken} in upper and lower case alone, and that name is taken. "
            f"Use the spelling {taken}."
        )


class UploadMissing(Invalid):
    """A push came without its archive."""

    def __init__(self, part: str) -> None:
        """Name the part that was looked for."""
        super().__init__(
            f"The request holds no archive. Send the bala as the multipart/form-data part {part}."
        )


class PackageIsDeprecated(Invalid):
    """One version cannot be undeprecated while its whole package is deprecated."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the package to undeprecate first."""
        super().__init__(
            f"{coordinate.package} is deprecated as a whole, and {coordinate} with it. "
            f"Undo that first: bal deprecate --undo {coordinate.package}."
        )


class MissingDependencies(Invalid):
    """A push depends on releases that are not here, and the operator asks for them."""

    def __init__(self, coordinate: "Coordinate", missing: "tuple[Coordinate, ...]") -> None:
        """Name the dependencies that are missing."""
        names = ", ".join(str(each) for each in missing)
        super().__init__(
            f"{coordinate} depends on packages that are not in this registry: {names}. "
            "Push them first, or correct Dependencies.toml."
        )


class NotDeployable(Invalid):
    """A file was sent to a place of a Maven repository where none of ours lies."""

    def __init__(self, path: str) -> None:
        """Show the layout."""
        super().__init__(
            f"Nothing can be published at {_quoted(path)}. "
            "A bala goes to {org}/{name}/{version}/{name}-{version}.bala."
        )


class ChecksumUnreadable(Invalid):
    """A checksum does not have the digits of its algorithm."""

    def __init__(self, algorithm: str, digits: int) -> None:
        """Say what is read."""
        super().__init__(
            f"The file is no {algorithm} checksum. Send {digits} hexadecimal digits and no more."
        )


class ChecksumDiffers(Invalid):
    """A checksum is not that of the archive that arrived."""

    def __init__(self, algorithm: str, claimed: object, actual: object) -> None:
        """Show both checksums, and that what arrived was a whole archive."""
        super().__init__(
            f"The {algorithm} checksum of the archive here is {actual}, but {claimed} was sent. "
            "Compare it with your file; releases never change, so push a mended one "
            "as a new version."
        )


class PomUnreadable(Invalid):
    """A POM is not the small XML document that names an artifact."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(
            f"The POM cannot be read: {reason}. "
            "Send a project with its groupId, artifactId and version."
        )


class PomDiffers(Invalid):
    """A POM is another artifact's than the path says."""

    def __init__(self, named: str, coordinate: "Coordinate") -> None:
        """Show both coordinates."""
        super().__init__(
            f"The POM names {_quoted(named)}, but it was sent to the path of {coordinate}. "
            "Give both the same organization, name and version."
        )


class SbomUnreadable(Invalid):
    """A bill of materials is not CycloneDX in JSON."""

    def __init__(self) -> None:
        """Say what is read."""
        super().__init__(
            "The bill of materials cannot be read. Send a CycloneDX document in JSON, "
            'with "bomFormat": "CycloneDX".'
        )


class SearchUnreadable(Invalid):
    """The words of a search are not Base64 of UTF-8."""

    def __init__(self, text: str) -> None:
        """Show what came."""
        super().__init__(
            f"{_quoted(text)} is no search: send its words as UTF-8 in standard Base64, "
            "without padding."
        )


class BadArchive(Invalid):
    """A bala cannot be accepted; each reason is a class of its own below."""


class NotFound(Refusal):
    """It does not exist for this caller."""

    kind = Kind.NOT_FOUND


class PackageNotFound(NotFound):
    """The package does not exist, or not for this caller."""

    def __init__(self, package: object) -> None:
        """Name the package; Java looks for `package not found`, Go for `package not found:`."""
        super().__init__(f"package not found: {package}")


class ReleaseNotFound(NotFound):
    """The package has no such version, or not for this caller."""

    def __init__(self, package: object, version: object) -> None:
        """Name what was asked for; `bal push` goes on only when it reads this text."""
        super().__init__(f"package not found for: {package}:{version}")


class ToolNotFound(NotFound):
    """No package publishes this tool, or not in this version."""

    def __init__(self, tool: str) -> None:
        """Name the tool."""
        super().__init__(f"tool not found: {tool}. Search for it with bal tool search.")


SHOWN_VERSIONS = 10  # In a sentence; who wants all asks for the tool.


class ToolVersionNotFound(NotFound):
    """A tool is there, and not in this version."""

    def __init__(self, tool: str, wanted: object, versions: tuple[str, ...]) -> None:
        """Name the versions that there are, newest first."""
        shown = ", ".join(versions[:SHOWN_VERSIONS])
        more = f" and {len(versions) - SHOWN_VERSIONS} more" if versions[SHOWN_VERSIONS:] else ""
        super().__init__(f"tool not found: {tool}:{wanted}. Its versions are {shown}{more}.")


class OrganizationNotFound(NotFound):
    """The organization does not exist."""

    def __init__(self, org: str) -> None:
        """Name the organization."""
        super().__init__(f"organization not found: {org}")


class AccountNotFound(NotFound):
    """The account does not exist."""

    def __init__(self, account: str, way_out: str = "") -> None:
        """Name the account, and say how to name another one."""
        super().__init__(f"account not found: {account}{way_out and f'. {way_out}'}")


class TokenNotFound(NotFound):
    """The caller has no token of this id."""

    def __init__(self, token_id: str) -> None:
        """Name the token."""
        super().__init__(f"token not found: {token_id}. List yours to see their ids.")


class ApiDocsNotFound(NotFound):
    """Connectors and triggers come out of API documentation, and none is read yet."""

    def __init__(self) -> None:
        """Say that it is not the name."""
        super().__init__("This registry reads no API documentation, so it knows no such item.")


class ArchiveNotFound(NotFound):
    """There is no archive behind this link, or not for this caller."""

    def __init__(self) -> None:
        """Say where links come from."""
        super().__init__("archive not found. Ask the registry for the package to get a new link.")


class PathNotFound(NotFound):
    """No file of a Maven repository of packages can have this path."""

    def __init__(self, path: str, reason: str = "") -> None:
        """Show the path, and what of it names nothing."""
        why = reason or "Ask for {org}/{name}/{version}/{name}-{version}.bala, or its metadata."
        super().__init__(f"There is no {_quoted(path)} here. {why}")


class PageNotFound(NotFound):
    """There is no page at this address, or not for whoever asks."""

    def __init__(self, path: str) -> None:
        """Show the path."""
        super().__init__(f"There is no page {_quoted(path)} here. Check the address.")


class SbomNotFound(NotFound):
    """The release came without a bill of materials."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(f"{coordinate} was published without a bill of materials.")


class FileNotInArchive(NotFound):
    """The archive of a release holds no such file."""

    def __init__(self, coordinate: "Coordinate", path: str) -> None:
        """Name both."""
        super().__init__(f"{coordinate} holds no file {_quoted(path)}. Look at its list of files.")


class NoticeNotFound(NotFound):
    """No notice of this id can be changed: there is none, or it has ended."""

    def __init__(self, notice_id: str) -> None:
        """Name the notice."""
        super().__init__(
            f"There is no notice {_quoted(notice_id)} that is shown or will be. "
            "Open the page again: it may have ended meanwhile."
        )


class PublisherNotFound(NotFound):
    """The organization has no trusted publisher of this id."""

    def __init__(self, publisher_id: str) -> None:
        """Name the publisher."""
        super().__init__(
            f"trusted publisher not found: {publisher_id}. List the organization's to see their "
            "ids."
        )


class Conflict(Refusal):
    """It clashes with what is there."""

    kind = Kind.CONFLICT


class VersionExists(Conflict):
    """The version is published with other bytes."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the coordinate; the first words are Central's, which scripts look for."""
        super().__init__(
            f"package already exists: {coordinate}. Releases never change: "
            "raise the version in Ballerina.toml and push again."
        )


class SbomExists(Conflict):
    """The release has another bill of materials."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(
            f"{coordinate} has a bill of materials already, and releases never change. "
            "Publish a new version with the new one."
        )


class ToolTaken(Conflict):
    """Another package owns the tool id."""

    def __init__(self, tool: str, owner: "Package | None") -> None:
        """Name the tool and the package that published it first; None when it is private."""
        whose = f"to {owner}" if owner else "to another package"
        super().__init__(f"The tool id {tool} belongs {whose}. Choose another id in BalTool.toml.")


class OrganizationExists(Conflict):
    """The organization's name is taken, now or by one that was deleted."""

    def __init__(self, org: str) -> None:
        """Name the organization."""
        super().__init__(f"The organization {org} exists already. Choose another name.")


class AccountExists(Conflict):
    """The account's name is taken."""

    def __init__(self, name: str) -> None:
        """Name the account."""
        super().__init__(f"The account {name} exists already. Choose another name.")


class NotAwaited(Conflict):
    """A release does not wait for the word of an owner."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release, and say which ones do."""
        super().__init__(
            f"{coordinate} does not wait for an owner. Only releases that were held because they "
            "came too fast are confirmed; what an operator withholds, the operator gives back."
        )


class TooManyNotices(Conflict):
    """So many notices are shown, or will be, that nobody would read another one."""

    def __init__(self, limit: int) -> None:
        """Say how many there may be."""
        super().__init__(
            f"There are {limit} notices that are shown or will be, and nobody reads more. "
            "End one of them first."
        )


class LastOwner(Conflict):
    """An organization would be left without an owner."""

    def __init__(self, account: str, org: str) -> None:
        """Name the last owner and what to do first."""
        super().__init__(
            f"{account} is the only owner of {org}, and an organization keeps at least one. "
            "Make another member owner first."
        )


class PublisherExists(Conflict):
    """The package has the very same trusted publisher."""

    def __init__(self, package: "Package", publisher_id: str) -> None:
        """Name the package and the publisher that is there."""
        super().__init__(
            f"{package} has this trusted publisher already, as {publisher_id}. Remove that one "
            "first, or give the new one other rules."
        )


class Unauthenticated(Refusal):
    """Who is asking cannot be told."""

    kind = Kind.UNAUTHENTICATED


class CredentialsMissing(Unauthenticated):
    """The operation needs a token and the request has none."""

    def __init__(self) -> None:
        """Say where the token goes."""
        super().__init__(
            "This needs an access token. Put one into Settings.toml as central.accesstoken, "
            "or send it as a bearer token."
        )


class CredentialsWanted(Unauthenticated):
    """An anonymous request finds nothing where there is something for members."""

    def __init__(self, what: object) -> None:
        """Name what was asked for, and leave open whether it exists."""
        super().__init__(
            f"{what} is not here for requests without credentials. Check its name, or put "
            "username and accesstoken into the repository's entry of Settings.toml."
        )


class RepositoryTokenMissing(Unauthenticated):
    """A push to the Maven repository came without credentials."""

    def __init__(self) -> None:
        """Say where they go."""
        super().__init__(
            "Publishing needs an access token. Put username and accesstoken into the repository's "
            "entry of Settings.toml; the username may be any word."
        )


class TokenUnknown(Unauthenticated):
    """The token is not one of this registry, or was revoked."""

    def __init__(self) -> None:
        """Say what to do; never which of the two it was."""
        super().__init__(
            "The access token is not valid here: it was revoked, or expired a while ago, or never "
            "was a token of this registry. Create a new one and put it into Settings.toml."
        )


class TokenMalformed(Unauthenticated):
    """The credentials do not have the form of an access token; no store is asked about them."""

    def __init__(self) -> None:
        """Say how a token is sent."""
        super().__init__(
            "The credentials are no access token of this registry: a part is missing or was "
            "changed, or they are something else. Copy the whole token, which begins with blr_, "
            "into Settings.toml; send it as a bearer token or as the password."
        )


class TokenPlaceholder(Unauthenticated):
    """A client sends the text that our Settings.toml has where the token goes."""

    def __init__(self) -> None:
        """Say what to replace it with."""
        super().__init__(
            "Settings.toml has the placeholder of its template where the access token goes. "
            "Create a token and put it there, at every accesstoken of this registry."
        )


class TokenForeign(Unauthenticated):
    """The token was made by a registry of another environment."""

    def __init__(self, environment: str) -> None:
        """Name the environment that the token itself names."""
        super().__init__(
            f"The access token is of another registry, {environment}. Create one here and put it "
            "into Settings.toml."
        )


class TokenExpired(Unauthenticated):
    """The token's time is over."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The access token has expired. Create a new one and put it into Settings.toml."
        )


class LinkExpired(Unauthenticated):
    """A sign-in link was used before, or is too old."""

    def __init__(self) -> None:
        """Say how to get another."""
        super().__init__(
            "This sign-in link was used already or is too old. Ask the operator for a new one."
        )


class ReportUnsigned(Unauthenticated):
    """A report of leaked tokens does not come from a scanner that is known here."""

    def __init__(self) -> None:
        """Say what proves where a report comes from."""
        super().__init__(
            "The report is not signed by a scanner that this registry knows. Send the identifier "
            "of the key as Github-Public-Key-Identifier, and its ECDSA signature of the body as "
            "Github-Public-Key-Signature."
        )


class SignedTokenRefused(Unauthenticated):
    """A token that another party signed does not prove what it is to prove."""

    def __init__(self, reason: str) -> None:
        """Say which of its parts is wrong."""
        super().__init__(
            f"The signed token is not accepted: {reason}. Ask its issuer for a new one, and use it "
            "while it is fresh."
        )


class IdTokenUsed(Unauthenticated):
    """An id token was exchanged before, and each is good for one exchange."""

    def __init__(self) -> None:
        """Say how to get another."""
        super().__init__(
            "This id token was exchanged before, and each is good for one exchange. Ask the "
            "provider for a new one in every job."
        )


class Forbidden(Refusal):
    """The caller may not do this."""

    kind = Kind.FORBIDDEN


class NotPermitted(Forbidden):
    """The caller lacks the right, or the token its scope."""

    def __init__(self, action: str, resource: object, reason: str) -> None:
        """Name the action, what it was tried on, and the right that is missing."""
        super().__init__(f"You may not {action} {resource}: {reason}.")


class NameReserved(Forbidden):
    """The name is kept for the registry's operator."""

    def __init__(self, org: str) -> None:
        """Name the organization."""
        super().__init__(
            f"Organizations that begin with ballerina are the operator's, so {org} is not open. "
            "Push under an organization of your own."
        )


class PublishersAlone(Forbidden):
    """A package takes pushes from its trusted publishers and from nobody else."""

    def __init__(self, package: "Package") -> None:
        """Name the package, and who can change that."""
        super().__init__(
            f"{package} is published by its trusted publishers alone, so no stored token can push "
            "to it. Publish from the workflow, or ask an owner to open it for members."
        )


class AddressNotAllowed(Forbidden):
    """A token was used from where it may not be used."""

    def __init__(self, address: str) -> None:
        """Name the address, and say how to use a token from there."""
        super().__init__(
            f"This access token may not be used from {address or 'an unknown address'}. Use it "
            "from the addresses that it was made for, or make one for this address."
        )


class FormForeign(Forbidden):
    """A form was sent that no page of this session has shown."""

    def __init__(self) -> None:
        """Say how to send it from one."""
        super().__init__(
            "This form is from no page of your session, so nothing was changed. Open the page "
            "again, and send it from there."
        )


class SignInAgain(Forbidden):
    """It takes a person who signed in a moment ago, so that no stolen token is enough."""

    def __init__(self, verb: str, resource: object) -> None:
        """Name what was to be done, and say how."""
        super().__init__(
            f"To {verb} {resource}, sign in again on the registry's pages and repeat this within "
            "ten minutes. No access token is enough for it."
        )


class TooMany(Refusal):
    """It comes too often; `allowance` says how often it may come, and when again."""

    kind = Kind.TOO_MANY

    def __init__(self, allowance: "Allowance", sentence: str) -> None:
        """Keep what the headers of the answer say."""
        super().__init__(sentence)
        self.allowance = allowance


class TooManyRequests(TooMany):
    """A caller makes more requests of a kind than the operator allows."""

    def __init__(self, allowance: "Allowance") -> None:
        """Name what is limited, for whom, and when to come back."""
        whose = f"this {allowance.subject.value}"
        super().__init__(
            allowance,
            f"There are too many {allowance.operation.noun} by {whose}: {allowance.limit:,} are "
            f"taken in {allowance.period}. Wait {allowance.wait_s} seconds and try again.",
        )


class TooManyFailures(TooMany):
    """An address sent so many different credentials that are not valid that a further one waits.

    Valid credentials from the same address are served as before.
    """

    def __init__(self, allowance: "Allowance") -> None:
        """Say when to come back, and what to look at meanwhile."""
        super().__init__(
            allowance,
            "These credentials are not valid, and too many others that are not came from this "
            f"address. Wait {allowance.wait_s} seconds, and check the access token meanwhile.",
        )


class MethodNotAllowed(Refusal):
    """The path is one of ours, but not for this method."""

    kind = Kind.METHOD_NOT_ALLOWED

    def __init__(self, method: str, path: str, *allowed: str) -> None:
        """Name the method, and those that there are."""
        self.allowed = allowed
        super().__init__(f"{method} does nothing at {_quoted(path)}. Use {' or '.join(allowed)}.")


class LengthMissing(Refusal):
    """A body came in chunks, without its length, and so arrived empty."""

    kind = Kind.LENGTH_MISSING

    def __init__(self) -> None:
        """Say what to send."""
        super().__init__(
            "The request has no Content-Length, and chunked uploads are not read here. "
            "Send the body whole, with its length."
        )


class TooLarge(Refusal):
    """It is over a limit."""

    kind = Kind.TOO_LARGE


class ArchiveTooLarge(TooLarge):
    """The archive is larger than the operator allows."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The archive has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at "
            "most. Leave out what the package does not need."
        )


class FileTooLarge(TooLarge):
    """A file beside an archive is larger than any of its kind."""

    def __init__(self, what: str, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The {what} has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most."
        )


class BodyNotTaken(TooLarge):
    """A body is too large to be read from somebody who may not publish."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The body of the request has {size_bytes:,} bytes, and more than {limit_bytes:,} are "
            "taken only with a token that may publish in some organization. Send such a token, or "
            "a smaller body."
        )


class FileTooLargeToShow(TooLarge):
    """A file of an archive is larger than what is unpacked for one request."""

    def __init__(self, path: str, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The file {_quoted(path)} has {size_bytes:,} bytes, and files of up to "
            f"{limit_bytes:,} are sent one by one. Pull the archive to read it."
        )


class TooManyReported(TooLarge):
    """A report names more leaked tokens than are looked up at once."""

    def __init__(self, count: int, limit: int) -> None:
        """Show both numbers."""
        super().__init__(
            f"The report names {count:,} tokens, and this registry reads {limit:,} at once. "
            "Send it in parts; a repeat does no harm."
        )


class Unavailable(Refusal):
    """It may succeed later; `retry_after` says when to try again."""

    kind = Kind.UNAVAILABLE
    retry_after: ClassVar[timedelta] = timedelta(seconds=2)


class Busy(Unavailable):
    """The registry has as much in hand as it takes at once, or a store did not answer in time."""

    def __init__(self) -> None:
        """Say that a repeat is fine; what a store did that did not answer, nobody knows."""
        super().__init__("The registry is busy. Try again in a moment; a repeat does no harm.")


class UploadTrouble(Enum):
    """Why there is no room for an upload, and what helps."""

    WAITED = "none came free while this one waited. Try again in a moment."
    SLOW = (
        "this one was too slow to keep its room while others waited. Try again in a moment, over a "
        "faster connection if there is one."
    )
    SEVERAL = (
        "this one was not the only one of its account or address while others waited. Try again in "
        "a moment, and send one archive after the other."
    )


class NoRoomForUpload(Unavailable):
    """A process has as many large bodies in hand as it takes."""

    retry_after = timedelta(seconds=5)

    def __init__(self, trouble: UploadTrouble) -> None:
        """Say why it is this upload that has no room."""
        super().__init__(
            "Nothing was changed: the registry has room for a few large uploads at a time, and "
            f"{trouble.value}"
        )


class KeyTrouble(Enum):
    """Why there is no signing key."""

    NONE = ""
    UNREAD = "it was not read yet"
    MISSING = "there is none yet, and its operator stores one with infra/keys.sh"
    SILENT = "its key vault does not answer, or refuses"
    UNUSABLE = "what its key vault holds is none, and its operator stores one with infra/keys.sh"


class SigningKeyUnavailable(Unavailable):
    """The registry has no key yet that links and sessions are signed with."""

    retry_after = timedelta(seconds=30)

    def __init__(self, trouble: KeyTrouble) -> None:
        """Say why, and who can help; what is public needs no key."""
        super().__init__(
            f"The registry has no key to sign links and sessions with: {trouble.value}. "
            "Public packages can be read meanwhile. Try again in a few minutes."
        )


class IssuerSilent(Unavailable):
    """An identity provider did not say which keys are its own."""

    retry_after = timedelta(seconds=30)

    def __init__(self, issuer: str) -> None:
        """Name the provider."""
        super().__init__(
            f"{_quoted(issuer)} does not answer, so what it signed cannot be checked. "
            "Try again in a minute."
        )


class StorageFull(Unavailable):
    """The disk is full; what was there stays readable."""

    retry_after = timedelta(minutes=5)

    def __init__(self) -> None:
        """Say what happened and who can help."""
        super().__init__(
            "The registry's storage is full, so nothing was changed. "
            "Tell its operator, and try again when there is room."
        )


class StorageNotWritable(Unavailable):
    """The disk takes no more data, as a probe of the registry finds out."""

    retry_after = timedelta(minutes=1)

    def __init__(self) -> None:
        """Say what still works, and what the operator does."""
        super().__init__(
            "The registry's storage is full: packages are read and pulled, but nothing can be "
            "published or changed. Make room on its disk, or move it to a larger one."
        )


class NotListedYet(Unavailable):
    """A change is stored for good, but not yet in every list, in the search and in the feed."""

    def __init__(self, changed: object) -> None:
        """Name what was changed, and who finishes it."""
        super().__init__(
            f"{changed} is stored, but the registry could not list it everywhere yet. Nothing is "
            "lost: send the request again, or wait until the registry finishes by itself."
        )


class SearchLoading(Unavailable):
    """A server that has just started has no search index yet."""

    retry_after = timedelta(seconds=10)

    def __init__(self) -> None:
        """Say that it comes by itself, and that nothing else waits for it."""
        super().__init__(
            "The search of this server is still being loaded, which takes some seconds; everything "
            "else works. Search again in a moment."
        )


class TakesNoChanges(Unavailable):
    """The operator lets nothing be changed for now; what is there is read as ever."""

    retry_after = timedelta(minutes=5)

    def __init__(self, reason: str) -> None:
        """Give the operator's reason, a part of a sentence."""
        super().__init__(
            f"This registry takes no changes now: {reason}. Reading and pulling go on. "
            "Try again later."
        )


class DomainSilent(Unavailable):
    """No name server answered for a domain, which says nothing of what is there."""

    retry_after = timedelta(minutes=1)

    def __init__(self, domain: str) -> None:
        """Name what was asked for, and say that nothing changed."""
        super().__init__(
            f"The name servers of {_quoted(domain)} did not answer, so nothing was changed. "
            "Try again in a few minutes."
        )


def _quoted(text: str) -> str:
    """Return `text` so that a sentence can hold it: short, one line, printable."""
    shown = text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one terminal line.
    return repr(shown)
