"""How a client fails, and what its user gets to read of the registry's own words."""


class ClientFailure(Exception):
    """The command stops; `str()` is what it prints.

    `reason` is the registry's message inside it, or None: then the user reads a bare "failed".
    """

    def __init__(self, reason: str | None, printed: str) -> None:
        """Keep what is printed and which part of it the registry has said."""
        super().__init__(printed)
        self.reason = reason


class NoPackage(ClientFailure):
    """The client knows that there is no such package, and goes on where that is what it wants."""


class Unauthorized(ClientFailure):
    """The client tells its user to look at the token in Settings.toml."""


class Swallowed(ClientFailure):
    """The client prints nothing: a build goes on with what is in its cache."""


class Crashed(ClientFailure):
    """The client dies with a stack trace, because the answer is not what it takes for granted."""
