/* Allocates in known places, for the profilers of other allocators: keeps a part and frees a part, so that what is in
 * use and what was allocated differ, with several sizes on one stack.
 *
 *   legacy_subject ROUNDS */
#include <stdlib.h>
#include <string.h>

static void *kept[1 << 16];
static size_t kept_count;

__attribute__((noinline)) static void keep(void *block) {
    if (kept_count < sizeof kept / sizeof *kept)
        kept[kept_count++] = block;
}

__attribute__((noinline)) static void *make_buffer(size_t size) {
    char *block = malloc(size);
    memset(block, 1, size);
    return block;
}

__attribute__((noinline)) static void parse_request(int i) {
    char *line = make_buffer(100 + (size_t)(i % 7) * 300);
    char *copy = strdup(line + 50);
    keep(line);
    free(copy);
}

__attribute__((noinline)) static void load_index(int depth) {
    if (depth)
        load_index(depth - 1);
    else
        keep(calloc(64, 1024));
}

__attribute__((noinline)) static void serve(int rounds) {
    for (int i = 0; i < rounds; i++) {
        parse_request(i);
        if (i % 10 == 0)
            load_index(i / 10 % 5);
        free(make_buffer(20000));
    }
}

int main(int argc, char **argv) {
    serve(argc > 1 ? atoi(argv[1]) : 100);
    return kept_count == 0;
}
