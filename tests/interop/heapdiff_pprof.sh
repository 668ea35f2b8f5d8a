#!/bin/sh
# heapdiff prints the numbers of go tool pprof, to the unit: files of Go's own runtime, and generated ones with all that
# makes sums hard; one file, two files as -diff_base and as -base, normalized ones, drop_frames, filters.
set -eu
command -v go >/dev/null && command -v python3 >/dev/null || exit 77
here=$HEAPTAP_SOURCE/tests/interop
data=$HEAPTAP_SOURCE/tests/golden/data
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1

compare() {
    echo "-- $*"
    python3 "$here/compare_with_pprof.py" "$HEAPTAP_BUILD/heapdiff" "$@"
}

compare "$data/go_json_100x.pb.gz"
compare "$data/go_json_200x.pb.gz" "$data/go_json_100x.pb.gz"
compare "$data/go_json_200x.pb.gz" "$data/go_json_100x.pb.gz" normalize=total
compare "$data/go_json_200x.pb.gz" "$data/go_json_100x.pb.gz" normalize=total focus=Decoder
compare "$data/go_json_200x.pb.gz" focus=json ignore=Decoder hide=reflect
for seed in 1 2 3; do
    python3 "$here/heap_generator.py" $seed 400 14 150 "$tmp/$seed.pb.gz"
    python3 "$here/heap_generator.py" $seed 400 14 150 "$tmp/drop$seed.pb.gz" drop
done
compare "$tmp/1.pb.gz"
compare "$tmp/2.pb.gz" "$tmp/1.pb.gz"
compare "$tmp/2.pb.gz" "$tmp/1.pb.gz" normalize=total
compare "$tmp/drop1.pb.gz"
compare "$tmp/drop3.pb.gz" "$tmp/2.pb.gz"
compare "$tmp/3.pb.gz" "$tmp/1.pb.gz" 'hide=f[0-9]*5$' 'ignore=^f77$'
compare "$tmp/3.pb.gz" 'show=f1|alloc' 'focus=part[12]'
