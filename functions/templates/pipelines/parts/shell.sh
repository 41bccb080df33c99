set -euo pipefail
umask 077
work=$(mktemp -d)
[[summary]]
send() { # Prints what the registry answers, after a failure too.
  : > "$work/answer"
  if curl -sS --fail-with-body --retry 5 -o "$work/answer" "$@"; then
    cat "$work/answer"
  else
    cat "$work/answer" >&2
    return 1
  fi
}
[[exchange]]
[[mask]]
printf 'Authorization: Bearer %s' "$token" > "$work/token"
while read -r file; do
  checked=$(send -H "@$work/token" -F "bala-file=@dist/$file" "$REGISTRY/api/v1/dry-run")
  echo "Dry run of $file: $checked"
  # What the packages before it bring is missing until they are published.
  echo "$checked" | grep -Eq '"may_publish": *true|"missing-dependencies"'
done < dist/order.txt
published=nothing
while read -r file; do
  release=$(echo "$file" | sed 's/^\([^-]*\)-\([^-]*\)-[^-]*-\(.*\)\.bala$/\1\/\2\/\3/')
  send -H "@$work/token" -F "bala-file=@dist/$file" "$REGISTRY/2.0/registry/packages" || {
    echo "$release was not published. Published before it: $published." | tee -a "$summary"
    exit 1
  }
  published="${published#nothing} $release"
  echo "- Published $REGISTRY/packages/$release" | tee -a "$summary"
done < dist/order.txt
