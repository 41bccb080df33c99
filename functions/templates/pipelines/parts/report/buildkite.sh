test ! -s "$summary" || buildkite-agent annotate --context ballroom < "$summary"
