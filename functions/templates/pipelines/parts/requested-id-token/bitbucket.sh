ID_TOKEN="${BITBUCKET_STEP_OIDC_TOKEN:?Add oidc with the audience to this step}"
