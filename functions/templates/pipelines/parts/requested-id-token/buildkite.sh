ID_TOKEN=$(buildkite-agent oidc request-token --audience "$REGISTRY" \
  --claim organization_id,pipeline_id)
