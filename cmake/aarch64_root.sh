#!/bin/sh
# aarch64_root.sh DIR: fetches the aarch64 packages of Debian that a cross build needs and unpacks them into DIR. apt works on
# state of its own under DIR: nothing is installed, and what the machine knows of packages stays as it is. Exits 77 when
# the packages cannot be had.
set -eu
root=$1
packages='libcmocka-dev libcmocka0 zlib1g-dev zlib1g libdeflate-dev libprotobuf-c-dev libprotobuf-c1 libdw-dev libdw1 libelf-dev libelf1
libiberty-dev libunwind-dev libunwind8 liblzma-dev liblzma5 libbz2-dev libbz2-1.0 libzstd-dev libzstd1 systemtap-sdt-dev'
[ "$(cat "$root/packages" 2>/dev/null)" != "$packages" ] || exit 0

cannot() {
    echo "cannot get the aarch64 packages: $*"
    exit 77
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || cannot "no apt here"
state=$root/apt
mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
apt() {
    apt-get -q -o APT::Architectures::="$(dpkg --print-architecture)" -o APT::Architectures::=arm64 \
        -o APT::Sandbox::User= -o Dir::State::lists="$state/lists" -o Dir::Cache::archives="$state/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}
apt update >"$state/log" 2>&1 || cannot "$(tail -n 1 "$state/log")"
(
    cd "$state/debs"
    # shellcheck disable=SC2046,SC2086
    apt download $(printf '%s:arm64 ' $packages)
) >>"$state/log" 2>&1 || cannot "$(tail -n 1 "$state/log")"
for package in "$state"/debs/*.deb; do
    dpkg -x "$package" "$root"
done
rm -rf "$state"
printf '%s\n' "$packages" >"$root/packages"
