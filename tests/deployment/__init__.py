"""The documents about Azure, walked over doubles of `az` and `azd`."""
