#!/bin/sh
# Text profiles: heapdiff reads what `go tool pprof` reads from them, sample by sample, one file
# and two; jemalloc's, which it does not read, by jeprof's formula; and Go's with the names that pprof leaves in the text.
# Files of the tree, made-up ones, and new ones of the allocators that are installed.
set -eu
command -v go >/dev/null && command -v python3 >/dev/null || { echo "go or python3 is not installed"; exit 77; }
here=$HEAPTAP_SOURCE/tests/interop
data=$HEAPTAP_SOURCE/tests/golden/legacy
heapdiff=$HEAPTAP_BUILD/heapdiff
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PPROF_TMPDIR="$work" HOME="$work" GOCACHE="$work/go" PYTHONDONTWRITEBYTECODE=1
tool=$work/proto_tool
"$here/build_proto_tool" "$tool"

pprof() { go tool pprof -symbolize=none "$@" 2>"$work/stderr" || { cat "$work/stderr" >&2; exit 1; }; }
sums() { python3 "$here/legacy_sums.py" "$@"; }

# same NAME OURS PPROF_ARGUMENTS...
same() {
    name=$1 ours=$2
    shift 2
    pprof -proto -output="$work/expected.pb.gz" "$@" >/dev/null
    sums equal "$name" "$work/expected.pb.gz" "$ours"
}

for seed in 1 2 3 4 5 6 7 8; do
    sums random $seed "$work/random$seed.txt"
done
for file in "$data"/gperftools_*.heap "$data"/tcmalloc_*.heap "$data"/go_*.txt "$work"/random*.txt; do
    "$tool" merge "$file" >"$work/ours.pb.gz"
    same "${file##*/}" "$work/ours.pb.gz" "$file"
done
for pair in "gperftools_old.heap gperftools_new.heap" "go_old.txt go_new.txt"; do
    old=$data/${pair% *} new=$data/${pair#* }
    "$tool" diff "$old" "$new" >"$work/ours.pb.gz"
    same "-diff_base of $pair" "$work/ours.pb.gz" -diff_base="$old" "$new"
    "$tool" subtract "$old" "$new" >"$work/ours.pb.gz"
    same "-base of $pair" "$work/ours.pb.gz" -base="$old" "$new"
done
python3 "$here/compare_with_pprof.py" "$heapdiff" "$data/gperftools_new.heap" "$data/gperftools_old.heap"
for name in jemalloc jemalloc_accum; do
    "$tool" rewrite "$data/$name.heap" >"$work/ours.pb.gz"
    sums jemalloc "$data/$name.heap" "$work/ours.pb.gz"
done

# addr2line, which pprof asks, does not see what Go has inlined: for pprof the program has nothing inlined.
go build -o "$work/go_subject" "$here/legacy_subject.go"
go build -gcflags=-l -o "$work/go_plain" "$here/legacy_subject.go"
for rate in 1 4096; do
    "$work/go_subject" $rate "$work/go.txt" "$work/go.pb.gz"
    sums same "$heapdiff" "$work/go.txt" "$work/go.pb.gz"
    "$work/go_plain" $rate "$work/go.txt" "$work/go.pb.gz"
    sums pprof "$heapdiff" "$work/go.txt" "$work/go_plain"
done

${CC:-cc} -g -O1 "$here/legacy_subject.c" -o "$work/subject"
library() { /sbin/ldconfig -p 2>/dev/null | sed -n "s,.*$1.* => ,,p" | head -n 1; }
tcmalloc=$(library 'libtcmalloc\.so\.4 ')
if [ -n "$tcmalloc" ]; then
    for rounds in 200 900; do
        HEAPPROFILE="$work/gperftools$rounds" LD_PRELOAD="$tcmalloc" "$work/subject" $rounds 2>/dev/null
        "$tool" merge "$work/gperftools$rounds.0001.heap" >"$work/ours.pb.gz"
        same "gperftools, $rounds rounds" "$work/ours.pb.gz" "$work/gperftools$rounds.0001.heap"
    done
    old=$work/gperftools200.0001.heap new=$work/gperftools900.0001.heap
    "$tool" diff "$old" "$new" >"$work/ours.pb.gz"
    same "-diff_base of gperftools" "$work/ours.pb.gz" -diff_base="$old" "$new"
    "$heapdiff" --format json "$new" | grep -q '"name": *"load_index"' || { echo "no name of the binary"; exit 1; }
fi
jemalloc=$(library 'libjemalloc\.so\.2 ')
if [ -n "$jemalloc" ]; then
    MALLOC_CONF="prof:true,prof_final:true,prof_accum:true,lg_prof_sample:12,prof_prefix:$work/jemalloc" \
        LD_PRELOAD="$jemalloc" "$work/subject" 400
    set -- "$work"/jemalloc.*.heap
    if [ -e "$1" ]; then # built with profiling
        "$tool" rewrite "$1" >"$work/ours.pb.gz"
        sums jemalloc "$1" "$work/ours.pb.gz"
        ! command -v jeprof >/dev/null || sums jeprof "$heapdiff" "$1" "$work/subject"
    fi
fi
