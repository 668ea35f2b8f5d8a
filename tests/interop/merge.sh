#!/bin/sh
# merge and filter give what `go tool pprof` gives: the raw dump of both profiles is the same, line by line.
set -eu
command -v go >/dev/null && go tool pprof -h >/dev/null 2>&1 || { echo "go tool pprof is not installed"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PPROF_TMPDIR="$work" HOME="$work"
data=$HEAPTAP_SOURCE/tests/golden/data
tool=$work/proto_tool
"$HEAPTAP_SOURCE/tests/interop/build_proto_tool" "$tool"

pprof() { go tool pprof -symbolize=none "$@" 2>"$work/stderr" || { cat "$work/stderr" >&2; exit 1; }; }

# same NAME OURS PPROF_ARGUMENTS...
same() {
    name=$1 ours=$2
    shift 2
    pprof -proto -output="$work/expected.pb.gz" "$@" >/dev/null
    pprof -raw "$work/expected.pb.gz" >"$work/expected.txt"
    pprof -raw "$ours" >"$work/ours.txt"
    if ! cmp -s "$work/expected.txt" "$work/ours.txt"; then
        echo "$name: differs from pprof (< pprof, > heaptap)"
        diff "$work/expected.txt" "$work/ours.txt" | head -20
        exit 1
    fi
    echo "$name: same, $(wc -l <"$work/ours.txt") lines"
}

for seed in 1 2 3 4 5 6; do
    "$tool" random $seed >"$work/random$seed.pb.gz"
done

for pair in "1 2" "2 1" "3 5" "4 6" "6 1"; do
    old=$work/random${pair% *}.pb.gz new=$work/random${pair#* }.pb.gz
    for kind in diff subtract merge; do
        case $kind in
        diff) set -- -diff_base="$old" "$new" ;;
        subtract) set -- -base="$old" "$new" ;;
        merge) set -- "$old" "$new" ;;
        esac
        "$tool" $kind "$old" "$new" >"$work/sum.pb.gz"
        "$tool" drop "$work/sum.pb.gz" >"$work/ours.pb.gz"
        same "$kind $pair" "$work/ours.pb.gz" "$@"
    done
done

for old in "$data"/*.pb.gz; do
    for new in "$data"/*.pb.gz; do
        "$tool" diff "$old" "$new" >"$work/ours.pb.gz"
        same "diff of Go's ${old##*/} ${new##*/}" "$work/ours.pb.gz" -diff_base="$old" "$new"
    done
done

one=$work/random1.pb.gz
"$tool" subtract "$one" "$one" >"$work/ours.pb.gz"
same "a profile without itself" "$work/ours.pb.gz" -base="$one" "$one"

for option in focus ignore hide show; do
    for regex in 'f1|file3' 'library' '^operator' 'nothing has this name'; do
        "$tool" filter $option "$regex" "$one" >"$work/filtered.pb.gz"
        "$tool" merge "$work/filtered.pb.gz" >"$work/ours.pb.gz"
        same "$option '$regex'" "$work/ours.pb.gz" -$option="$regex" "$one"
    done
done
