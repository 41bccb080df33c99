"""Pages of a signed-in person: below /account, and signing in and out."""
