#!/bin/sh
# go tool pprof reads what the writer writes: a profile made up by the writer has every sample, and a profile of Go's that
# was read and written again is the same to pprof.
set -eu
command -v go >/dev/null && go tool pprof -h >/dev/null 2>&1 || { echo "go tool pprof is not installed"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PPROF_TMPDIR="$work" HOME="$work"
tool=$work/proto_tool
"$HEAPTAP_SOURCE/tests/interop/build_proto_tool" "$tool"

for file in "$HEAPTAP_SOURCE"/tests/golden/data/*.pb.gz; do
    "$tool" rewrite "$file" >"$work/again.pb.gz"
    gzip -t "$work/again.pb.gz"
    go tool pprof -symbolize=none -raw "$file" >"$work/expected.txt"
    go tool pprof -symbolize=none -raw "$work/again.pb.gz" >"$work/ours.txt"
    cmp "$work/expected.txt" "$work/ours.txt"
    # And the other way: what pprof writes is read.
    go tool pprof -symbolize=none -proto -output="$work/pprof.pb.gz" "$file" >/dev/null 2>&1
    "$tool" rewrite "$work/pprof.pb.gz" >"$work/again.pb.gz"
    go tool pprof -symbolize=none -raw "$work/again.pb.gz" >"$work/ours.txt"
    cmp "$work/expected.txt" "$work/ours.txt"
    echo "${file##*/}: $(wc -l <"$work/ours.txt") lines, the same"
done

"$tool" random 1 >"$work/random.pb.gz"
go tool pprof -symbolize=none -raw "$work/random.pb.gz" >"$work/raw.txt"
for text in 'Comment: made up' 'Period: 1001' 'inuse_objects/count inuse_space/bytes' 'thread:\[bytes\]' \
    'bytes:\[16\]' '(anonymous namespace)::f1(int) /src/file1.cc:' '/usr/lib/library.so  \[FN\]'; do
    grep -q "$text" "$work/raw.txt" || { echo "pprof does not show '$text'"; exit 1; }
done
