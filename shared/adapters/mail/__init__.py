"""Ways of sending mail: to the terminal, by SMTP, through Azure."""
