set -euo pipefail
curl -fsS --retry 5 "$REGISTRY/outdated.py" -o outdated.py
echo "SHA256_OF_OUTDATED_PY  outdated.py" | sha256sum -c -
find . -name Dependencies.toml -not -path '*/target/*' |
  while read -r file; do python3 outdated.py "$file" --fail-on withdrawn; done
rm -rf dist
mkdir dist
for folder in $PACKAGES; do (cd "$folder" && bal pack); done
find . -path '*/target/bala/*.bala' -exec ls -tr {} + |
  while read -r file; do
    cp "$file" dist/
    basename "$file" >> dist/order.txt
  done
