summary=${GITHUB_STEP_SUMMARY:-/dev/null}
