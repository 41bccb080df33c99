"""The registry: every service, put together once by `shared.bootstrap` and handed to the faces."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

from shared.auth.authentication import Authentication
from shared.auth.browsers import Browsers, Devices
from shared.auth.session import Sessions
from shared.auth.sign_in_links import SignInLinks
from shared.domain.archive_name import ArchiveName
from shared.ports import ArchiveStore, ChangeSource, Clock
from shared.services.accounts import Accounts
from shared.services.announcing import Announcing
from shared.services.appointing import Appointing
from shared.services.browsing import Browsing
from shared.services.bulletins import Bulletins
from shared.services.checking import Checking
from shared.services.chronicling import Chronicling
from shared.services.closing import Closing
from shared.services.connecting import Connecting
from shared.services.counting import Counting
from shared.services.departing import Departing
from shared.services.deploying import Deploying
from shared.services.deprecating import Deprecating
from shared.services.disclosing import Disclosing
from shared.services.enumerating import Enumerating
from shared.services.feeding import Feeding
from shared.services.handing_over import HandingOver
from shared.services.identities import Identities
from shared.services.indexing import Indexing
from shared.services.inspecting import Inspecting
from shared.services.inviting import Inviting
from shared.services.kept_invitations import KeptInvitations
from shared.services.limiting import Limiting
from shared.services.logbook import Logbook
from shared.services.moderation import Moderation
from shared.services.noticing import Noticing
from shared.services.organization_tokens import OrganizationTokens
from shared.services.organizations import Organizations
from shared.services.overseeing import Overseeing
from shared.services.proving import Proving
from shared.services.provisioning import Provisioning
from shared.services.publishing import Publishing
from shared.services.pulling import Pulling
from shared.services.renderings import Renderings
from shared.services.reserving import Reserving
from shared.services.resolving import Resolving
from shared.services.restoring import Restoring
from shared.services.restraining import Restraining
from shared.services.reviewing import Reviewing
from shared.services.searching import Searching
from shared.services.serving import Serving
from shared.services.showcasing import Showcasing
from shared.services.showing import Showing
from shared.services.signing_in import SigningIn
from shared.services.signing_out import SigningOut
from shared.services.snapshotting import Snapshotting
from shared.services.stocktaking import Stocktaking
from shared.services.supervising import Supervising
from shared.services.tokens import Tokens
from shared.services.trusted_publishers import TrustedPublishers
from shared.services.trusted_publishing import TrustedPublishing
from shared.services.unpacking import Unpacking
from shared.services.upkeep import Upkeep
from shared.services.visibility import ChangingVisibility
from shared.services.wishing import Wishing
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class SignIn:
    """Everything about who is signed in, by what, and how that ends."""

    sessions: Sessions
    links: SignInLinks
    browsers: Browsers
    devices: Devices
    signing_in: SigningIn
    signing_out: SigningOut
    identities: Identities
    noticing: Noticing


@dataclass(frozen=True)
class Registry:
    """What the faces may ask for."""

    settings: Settings
    clock: Clock
    authentication: Authentication
    sign_in: SignIn
    accounts: Accounts
    organizations: Organizations
    closing: Closing
    handing_over: HandingOver
    inviting: Inviting
    kept_invitations: KeptInvitations
    proving: Proving
    tokens: Tokens
    logbook: Logbook
    trusted_publishers: TrustedPublishers
    trusted_publishing: TrustedPublishing
    organization_tokens: OrganizationTokens
    disclosing: Disclosing
    connecting: Connecting
    departing: Departing
    supervising: Supervising
    restraining: Restraining
    appointing: Appointing
    provisioning: Provisioning
    reserving: Reserving
    publishing: Publishing
    deploying: Deploying
    pulling: Pulling
    browsing: Browsing
    showing: Showing
    chronicling: Chronicling
    unpacking: Unpacking
    renderings: Renderings
    checking: Checking
    enumerating: Enumerating
    resolving: Resolving
    searching: Searching
    showcasing: Showcasing
    indexing: Indexing
    limiting: Limiting
    bulletins: Bulletins
    announcing: Announcing
    deprecating: Deprecating
    moderation: Moderation
    inspecting: Inspecting
    reviewing: Reviewing
    stocktaking: Stocktaking
    visibility: ChangingVisibility
    serving: Serving
    archives: ArchiveStore
    counting: Counting
    upkeep: Upkeep
    overseeing: Overseeing
    wishing: Wishing
    snapshotting: Snapshotting
    restoring: Restoring
    feeding: Feeding | None
    changes: ChangeSource | None
    archive_path: Callable[[ArchiveName], Path] | None
    edition: Callable[[], Hashable] | None
    probe: Callable[[], Awaitable[None]]
    require_writable: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]

    @property
    def sessions(self) -> Sessions:
        """Return what recognizes signed-in browsers."""
        return self.sign_in.sessions

    @property
    def sign_in_links(self) -> SignInLinks:
        """Return what makes sign-in links."""
        return self.sign_in.links
