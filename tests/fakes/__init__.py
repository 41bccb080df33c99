"""Small doubles of the ports: dictionaries that keep the promises which unit tests lean on."""
