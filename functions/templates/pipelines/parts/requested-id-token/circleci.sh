ID_TOKEN=$(circleci run oidc get --root-issuer --claims "{\"aud\":\"$REGISTRY\"}")
