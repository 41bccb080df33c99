"""What pages share: their calls and forms, templates, and how they word and show values."""
