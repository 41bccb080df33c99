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
release_of() { # Prints ORG/NAME/VERSION for ORG-NAME-PLATFORM-VERSION.bala.
  echo "$1" | sed 's/^\([^-]*\)-\([^-]*\)-[^-]*-\(.*\)\.bala$/\1\/\2\/\3/'
}
matches() { # Prints what matches in the answer of a dry run, and nothing if nothing does.
  echo "$checked" | grep -Eo "$1" || true
}
refuse() {
  echo "$(release_of "$file") may not be published, and nothing was published." | tee -a "$summary"
  exit 1
}
earlier=" "
while read -r file; do
  checked=$(send -H "@$work/token" -F "bala-file=@dist/$file" "$REGISTRY/api/v1/dry-run")
  echo "Dry run of $file: $checked"
  if test -z "$(matches '"(mayPublish|may_publish)": *true')"; then
    # Only packages may be missing that this job publishes before this one.
    errors=$(matches '"rule": *"[^"]*", *"severity": *"error"')
    test "$(echo "$errors" | grep -c -v '"missing-dependencies"')" = 0 || refuse
    missing=$(matches 'not in this registry: [^"]*' | grep -Eo '[^ /]+/[^ :]+:[^ ,]+' | tr : / || true)
    test -n "$missing" || refuse
    for each in $missing; do
      case "$earlier" in *" ${each%.} "*) ;; *) refuse ;; esac
    done
  fi
  earlier="$earlier$(release_of "$file") "
done < dist/order.txt
published=nothing
while read -r file; do
  release=$(release_of "$file")
  send -H "@$work/token" -F "bala-file=@dist/$file" "$REGISTRY/2.0/registry/packages" || {
    echo "$release was not published. Published before it: $published." | tee -a "$summary"
    exit 1
  }
  published="${published#nothing} $release"
  echo "- Published $REGISTRY/packages/$release" | tee -a "$summary"
done < dist/order.txt
