ID_TOKEN=$(curl -fsS --retry 5 --get -H "Metadata-Flavor: Google" \
  --data-urlencode "audience=$REGISTRY" --data format=full \
  "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity")
