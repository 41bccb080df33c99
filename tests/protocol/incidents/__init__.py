"""The page about incidents, followed command by command."""
