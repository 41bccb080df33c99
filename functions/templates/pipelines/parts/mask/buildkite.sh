printf '%s' "$token" | buildkite-agent redactor add
