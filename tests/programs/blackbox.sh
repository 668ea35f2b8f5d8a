#!/bin/sh
# The table that survives a kill: killed at rest, at any moment, out of memory; forks; files that cannot be had; torn ones.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need python3 cc go
cc -g -O1 -fno-builtin -pthread -I"$HEAPTAP_SOURCE/include" -o "$work/subject" \
    "$HEAPTAP_SOURCE/tests/programs/blackbox_subject.c" || fail "cannot compile"
cc -g -O1 -fno-builtin -shared -fPIC -o "$work/plugin.so" "$HEAPTAP_SOURCE/tests/programs/blackbox_plugin.c" ||
    fail "cannot compile"
mkdir -p "$work/boxes"
# shellcheck disable=SC2086 # words
python3 "$HEAPTAP_SOURCE/tests/programs/blackbox.py" "$work" ${BLACKBOX_TESTS:-exact kills=150 fork forking=10 old_kernel ends plugin limit cgroup disk torn refusals}
