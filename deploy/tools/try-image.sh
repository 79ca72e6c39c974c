#!/usr/bin/env bash
# Builds deploy/Dockerfile with buildah, without a daemon and without pulling: the two bases are stand-ins made of this
# machine (node, npm and a shell to build with; the C libraries alone to run on). Proves the steps, not the bases.
# Needs: root, buildah, node and npm on PATH. Ends with what the image says of itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v buildah >/dev/null || { echo "try-image.sh: buildah is not on PATH" >&2; exit 1; }
node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
work=$(mktemp -d)
made=()
finish() {
  rm -rf "$work"
  if [ ${#made[@]} -gt 0 ]; then buildah rm "${made[@]}" >/dev/null; fi
}
trap finish EXIT

# Into $1, with their paths.
copy() {
  local to=$1 file
  shift
  for file in "$@"; do
    mkdir -p "$to$(dirname "$file")"
    cp -aL "$file" "$to$file"
  done
}
libraries() { ldd "$@" | grep -o '/[^ ]*\.so[^ ]*' | sort -u; }
commit() {
  local container
  container=$(buildah from scratch)
  made+=("$container")
  buildah copy --quiet "$container" "$work/$1" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "${@:2}" "$container"
  buildah commit --quiet "$container" "localhost/kubestatic-$1" >/dev/null
}

build=$work/stand-in-build
# shellcheck disable=SC2046
copy "$build" /bin/sh /usr/bin/env $(libraries /bin/sh /usr/bin/env "$node")
mkdir -p "$build"/{tmp,root,etc/ssl,usr/local/bin,usr/local/lib/node_modules}
cp "$node" "$build/usr/local/bin/node"
cp -aL "$npm" "$build/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$build/usr/local/bin/npm"
cp -aL /etc/ssl/certs "$build/etc/ssl/"
for file in passwd group resolv.conf hosts nsswitch.conf; do cp "/etc/$file" "$build/etc/" 2>/dev/null || true; done
cp ~/.npmrc "$build/root/" 2>/dev/null || true
commit stand-in-build --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt

base=$work/stand-in-base
# shellcheck disable=SC2046
copy "$base" $(libraries "$node")
mkdir -p "$base"/{tmp,etc,var}
echo 'nonroot:x:65532:65532::/:' >"$base/etc/passwd"
commit stand-in-base

buildah bud --quiet --pull-never --isolation chroot --network host --ignorefile .dockerignore \
  --build-arg BUILD_IMAGE=localhost/kubestatic-stand-in-build \
  --build-arg BASE_IMAGE=localhost/kubestatic-stand-in-base \
  --tag localhost/kubestatic:try --file deploy/Dockerfile . >/dev/null
container=$(buildah from --pull-never localhost/kubestatic:try)
made+=("$container")
buildah run --isolation chroot "$container" -- /manager version
buildah run --isolation chroot "$container" -- /manager simulate --nodes 2 --speed max --json
