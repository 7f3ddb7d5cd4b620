#!/usr/bin/env bash
# Fetches real C into a folder: Debian's source packages, through a private list that leaves the system's alone, and crates.
#
#   benches/sources.sh DIR [PACKAGE…]
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(apr brotli cjson expat gsl jansson libgit2 libsodium libtommath libyaml libzstd lz4 utf8proc xxhash zlib)

apt="$dir/.apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
. /etc/os-release
echo "deb-src http://deb.debian.org/debian $VERSION_CODENAME main" >"$apt/sources.list"
options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
compgen -G "$apt/lists/*Sources*" >/dev/null || apt-get "${options[@]}" update
cd "$dir"
for package in "${packages[@]}"; do
  compgen -G "${package}_*.orig.tar.*z*" >/dev/null || apt-get "${options[@]}" source --download-only "$package"
done
rm -f ./*.asc ./*.dsc ./*.debian.tar.*
