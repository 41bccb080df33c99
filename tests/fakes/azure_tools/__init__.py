"""Doubles of `az` and `azd`, over one Azure that is a file.

They read each command as the real tools do (`tests/az/grammar.py`), refuse what these refuse, and
know what the commands before it made: who is signed in, groups, deployments, resources, roles,
secrets, applications. What they know of azd is from its sources (1.25 to 1.31), of az from its
parser (2.91), of Azure from its documentation. A command that no document gives is refused.
"""
