#!/bin/sh
# An installation under a prefix of its own: a small program builds against it by pkg-config and by find_package, a program
# with weak references runs without it, and the installed heaptap finds the installed library.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cmake ninja pkg-config gcc
prefix=$work/prefix
cmake --install "$HEAPTAP_BUILD" --prefix "$prefix" >"$work/log" 2>&1 || fail "cmake --install: $(tail -n 3 "$work/log")"
mv "$prefix" "$work/moved" && prefix=$work/moved # nothing may depend on where it was at first
pc=$(find "$prefix" -name heaptap.pc)
[ -n "$pc" ] || fail "no heaptap.pc was installed"
libdir=$(cd "$(dirname "$pc")/.." && pwd)
for file in bin/heaptap bin/heapdiff include/heaptap.h include/heapprofile.h; do
    [ -f "$prefix/$file" ] || fail "no $file was installed"
done
[ -f "$libdir/libheaptap.a" ] || fail "no libheaptap.a was installed"
[ -L "$libdir/libheaptap.so" ] || fail "libheaptap.so is not the link to the versioned name"

cat >"$work/user.c" <<'END'
#include <heaptap.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    struct heaptap_counters before, after;
    heaptap_thread_counters(&before);
    void *volatile p = malloc(100);
    heaptap_thread_counters(&after);
    free(p);
    printf("%s %d\n", heaptap_version(), (int)(after.mallocs - before.mallocs));
    return 0;
}
END
version=$("$prefix/bin/heaptap" --version)
wanted="${version#heaptap } 1"

export PKG_CONFIG_PATH="$libdir/pkgconfig"
[ "heaptap $(pkg-config --modversion heaptap)" = "$version" ] || fail "pkg-config says another version"
# shellcheck disable=SC2046 # several words
gcc -fno-builtin -o "$work/user" "$work/user.c" $(pkg-config --cflags --libs heaptap) || fail "cannot build with pkg-config"
got=$(LD_LIBRARY_PATH="$libdir" "$work/user") || fail "the program of pkg-config fails"
[ "$got" = "$wanted" ] || fail "the program of pkg-config prints '$got', not '$wanted'"
readelf -d "$work/user" | grep -q 'NEEDED.*libheaptap\.so\.0' || fail "the program is not linked with the versioned name"

mkdir "$work/project"
cp "$work/user.c" "$work/project"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(user C)
find_package(heaptap 0.1 REQUIRED)
add_executable(user user.c)
target_compile_options(user PRIVATE -fno-builtin)
target_link_libraries(user PRIVATE heaptap::heaptap)
END
{ cmake -G Ninja -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    cmake --build "$work/project/build"; } >"$work/log" 2>&1 || fail "cannot build with find_package: $(tail -n 5 "$work/log")"
got=$("$work/project/build/user") || fail "the program of find_package fails"
[ "$got" = "$wanted" ] || fail "the program of find_package prints '$got', not '$wanted'"

# Statically: the archive holds the allocator, and pkg-config names what it needs besides.
# shellcheck disable=SC2046
gcc -fno-builtin -o "$work/static_user" "$work/user.c" $(pkg-config --cflags heaptap) "$libdir/libheaptap.a" \
    -lprotobuf-c -lz -pthread || fail "cannot link libheaptap.a"
got=$("$work/static_user") || fail "the program with libheaptap.a fails"
[ "$got" = "$wanted" ] || fail "the program with libheaptap.a prints '$got', not '$wanted'"

cat >"$work/weak.c" <<'END'
#define HEAPTAP_WEAK
#include <heaptap.h>
#include <stdio.h>
int main(void) {
    puts(heaptap_version ? heaptap_version() : "absent");
    return 0;
}
END
gcc -I"$prefix/include" -o "$work/weak" "$work/weak.c" || fail "cannot build with weak references"
[ "$("$work/weak")" = absent ] || fail "weak references are not absent without the library"

cd "$work" || exit 1
"$prefix/bin/heaptap" run --dump p.pb.gz "$work/weak" >out 2>err || fail "the installed heaptap run: $(cat err)"
[ "heaptap $(cat out)" = "$version" ] || fail "weak references do not find the preloaded library: $(cat out)"
[ -s p.pb.gz ] || fail "the installed heaptap run wrote nothing: $(cat err)"
"$prefix/bin/heapdiff" p.pb.gz >out || fail "the installed heapdiff"

# The library that heapdiff is written with: the example builds against it as it is printed there, and in C++.
example=$HEAPTAP_SOURCE/examples/profile_diff.c data=$HEAPTAP_SOURCE/tests/golden/data
[ "$(wc -l <"$example")" -lt 60 ] || fail "the example is longer than it is said to be"
# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror -o "$work/example" "$example" $(pkg-config --cflags --libs heapprofile) ||
    fail "cannot build the example with pkg-config"
got=$(LD_LIBRARY_PATH="$libdir" "$work/example" "$data/go_json_100x.pb.gz" "$data/go_json_200x.pb.gz") || fail "the example fails"
echo "$got" | grep -q '+524328  ~ .*reflect.New' || fail "the example prints: $got"
printf '#include <heapprofile.h>\nint main() { return heapprofile_read("", nullptr) != nullptr; }\n' >"$work/user.cc"
# shellcheck disable=SC2046
g++ -Wall -Wextra -Werror -o "$work/user_cc" "$work/user.cc" $(pkg-config --cflags --libs heapprofile) ||
    fail "cannot build with heapprofile.h in C++"
cp "$example" "$work/project/user.c"
sed -i 's/heaptap::heaptap/heaptap::heapprofile/' "$work/project/CMakeLists.txt"
cmake --build "$work/project/build" >"$work/log" 2>&1 || fail "cannot build the example with find_package: $(tail -n 5 "$work/log")"
exported=$(nm -D --defined-only "$libdir/libheapprofile.so" | grep -cv ' heapprofile_' || true)
[ "$exported" = 0 ] || fail "libheapprofile.so exports other names than its own"
