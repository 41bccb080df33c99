"""The installed registry: the command `ballroom`, with the program in the folder `app`."""
