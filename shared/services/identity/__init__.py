"""Accounts, how they sign in, and the mail to them."""
