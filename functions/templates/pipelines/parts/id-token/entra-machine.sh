ID_TOKEN=$(curl -fsS --retry 5 --get -H "Metadata: true" \
  --data api-version=2018-02-01 --data-urlencode resource=api://ballroom \
  "http://169.254.169.254/metadata/identity/oauth2/token" |
  sed 's/.*"access_token": *"//; s/".*//')
export ID_TOKEN
