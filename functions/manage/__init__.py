"""Pages for administrators of the registry: below /manage."""
