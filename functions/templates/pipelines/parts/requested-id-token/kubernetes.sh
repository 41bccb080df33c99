ID_TOKEN=$(cat /var/run/secrets/ballroom/token)
