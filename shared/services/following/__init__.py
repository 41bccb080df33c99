"""Following packages and organizations, and the mail to those who do."""
