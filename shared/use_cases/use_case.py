"""Declares use cases: one decorator has what the API, pages and commands have in common.

    @use_case(
        "Revoke an invitation.",
        inputs=Reason,
        right=Action.MANAGE,
        done="Invitation revoked. Its link no longer works.",
    )
    async def revoke(
        registry: Registry, invitation: NamedInvitation, sent: Reason, by: Principal
    ) -> None:
        invitations = registry.organizations.invitations
        await invitations.revoke(invitation.org, invitation.id, by=by, reason=sent.reason)

The rule calls a method of a service, which checks the right. The API declares an operation for it
with `ApiFace.use_case`, a page a form with `SignedInPages.use_case`, and a command follows from the
operation of the API. Each of them says how it names the subject, such as by its path.
"""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Generic, TypeVar, cast

from msgspec import Struct

from shared.domain.principals import Principal
from shared.domain.recent_sign_in import RECENT_SIGN_IN_ACTIONS
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.use_cases.inputs import InputsT

CallT = TypeVar("CallT")
SubjectT = TypeVar("SubjectT")
ResultT = TypeVar("ResultT")

Rule = Callable[[Registry, SubjectT, InputsT, Principal], Awaitable[ResultT]]


class UseCase(Struct, Generic[SubjectT, InputsT, ResultT], frozen=True):
    """Something that people do with a subject: its inputs, its rule, and what they read after it.

    The `summary` is that of openapi.json; braces stand for whose the subject is, where more than
    one may own it. The `right` is that of owners in the organization of the subject, or of
    administrators in the registry; the service checks it. `OPERATE` is the right of administrators
    who signed in recently; the dry run of group rules, for which an earlier sign-in is enough,
    declares `MANAGE`.

    A page shows the sentence `done` after success, and a command prints the sentence `printed`, in
    which braces stand for its arguments. If `shown_once` names a field of the result, a command
    prints only that field.
    """

    rule: Rule[SubjectT, InputsT, ResultT]
    summary: str
    inputs: type[InputsT]
    right: Action
    done: str = ""
    printed: str = ""
    shown_once: str = ""

    @property
    def requires_recent_sign_in(self) -> bool:
        return self.right in RECENT_SIGN_IN_ACTIONS


async def subject_of(
    find: Callable[[CallT], SubjectT | Awaitable[SubjectT]], call: CallT
) -> SubjectT:
    """Return what `find` reads from a call, which it may have to look up."""
    found = find(call)
    return (
        await cast("Awaitable[SubjectT]", found) if isawaitable(found) else cast("SubjectT", found)
    )


def of_registry(_call: object) -> None:
    """Return the subject of what is done with the registry as a whole, which no path names."""


def use_case(
    summary: str,
    *,
    inputs: type[InputsT],
    right: Action,
    done: str = "",
    printed: str = "",
    shown_once: str = "",
) -> Callable[[Rule[SubjectT, InputsT, ResultT]], UseCase[SubjectT, InputsT, ResultT]]:
    """Declare the decorated rule as a use case."""

    def declare(rule: Rule[SubjectT, InputsT, ResultT]) -> UseCase[SubjectT, InputsT, ResultT]:
        return UseCase(
            rule=rule,
            summary=summary,
            inputs=inputs,
            right=right,
            done=done,
            printed=printed,
            shown_once=shown_once,
        )

    return declare
