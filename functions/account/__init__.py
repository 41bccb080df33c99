"""Pages of a signed-in person: below /account, signing in and out, and the device login."""
