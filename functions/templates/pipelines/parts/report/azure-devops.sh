test ! -s "$summary" || echo "##vso[task.uploadsummary]$summary"
