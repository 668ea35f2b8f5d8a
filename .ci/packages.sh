# Sourced by ./demo and ./check: what heaptap needs of a Debian or Ubuntu machine, and how to get it.
#
#   packages_ensure build          compiler, libraries
#   packages_ensure build test     and what the tests run
#   packages_ensure build long     and what its long tier does besides
#   packages_ensure build bench    and the allocators and programs of bench/run
#
# Installs only what is missing, and names it first. Uses sudo where the caller is not root. A package that brings a
# daemon is kept from starting it by a policy-rc.d of our own, which is there only while apt-get runs; a policy that
# the machine has already stays.

packages_build='gcc g++ cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev zlib1g-dev libdeflate-dev libunwind-dev
libdw-dev libelf-dev libiberty-dev libcmocka-dev systemtap-sdt-dev'
packages_test='python3 python3-jsonschema golang-go redis-server redis-tools memcached git strace binutils make llvm elfutils clang-format clang-tidy valgrind gdb
bash zsh fish cmark-gfm libfribidi-bin mandoc groff-base libcurl4
libgoogle-perftools4 libjemalloc2 libjemalloc-dev
debuginfod dwz util-linux chromium chromium-driver'
packages_long='rustc clang'
packages_long_cross='gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user gdb-multiarch'
packages_bench='libmimalloc2.0 libjemalloc2 libtcmalloc-minimal4 sqlite3 redis-server redis-tools memcached python3 valgrind'

packages_as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "cannot install packages: neither root nor sudo" >&2
        return 1
    fi
}

packages_is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Python's own tests are a package of each minor version. Known only once python3 is there.
packages_python_tests() {
    [ -x /usr/bin/python3 ] || return 0
    /usr/bin/python3 -c 'import sys; print("libpython%d.%d-testsuite" % sys.version_info[:2])'
}

# The cross compiler is a package where the machine is not an aarch64 itself.
packages_cross() {
    [ "$(dpkg --print-architecture)" = arm64 ] || echo "$packages_long_cross"
}

packages_missing() {
    for package_ in "$@"; do
        packages_is_installed "$package_" || printf '%s ' "$package_"
    done
}

packages_install() {
    policy=/usr/sbin/policy-rc.d
    policy_is_ours=
    if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' | packages_as_root tee "$policy" >/dev/null; then
        policy_is_ours=yes
        packages_as_root chmod 755 "$policy"
    fi
    # In a shell of its own, so that an interrupt still comes back here to take the policy away.
    trap 'packages_forget_policy; exit 130' INT TERM
    if [ -z "${packages_are_updated:-}" ]; then
        packages_as_root apt-get -q -y update </dev/null || echo "cannot update the package lists: trying with the old ones" >&2
        packages_are_updated=yes
    fi
    packages_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" </dev/null
    installed_status=$?
    packages_forget_policy
    trap - INT TERM
    return $installed_status
}

packages_forget_policy() {
    [ -z "$policy_is_ours" ] || packages_as_root rm -f "$policy"
    policy_is_ours=
}

# $1: where apt-get's output goes; the rest: groups.
packages_ensure() {
    log=$1
    shift
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "not a Debian or Ubuntu system: taking what is installed"
        return 0
    fi
    for group in "$@"; do
        case $group in
        build) wanted=$packages_build ;;
        test) wanted=$packages_test ;;
        long) wanted="$packages_long $(packages_cross)" ;;
        bench) wanted=$packages_bench ;;
        python-tests) wanted=$(packages_python_tests) ;;
        esac
        # shellcheck disable=SC2086 # a list of words
        missing=$(packages_missing $wanted)
        [ -n "$missing" ] || continue
        echo "installing: $missing"
        # shellcheck disable=SC2086
        if ! packages_install $missing >>"$log" 2>&1; then
            tail -n 5 "$log" >&2
            echo "cannot install: $missing (see $log)" >&2
            return 1
        fi
    done
}
