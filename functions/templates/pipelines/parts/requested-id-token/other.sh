ID_TOKEN=$(cat "${ID_TOKEN_FILE:?Name the file with the id token}")
