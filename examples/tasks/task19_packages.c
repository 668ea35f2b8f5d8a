/* Exercise 19: what does each package allocate? This program is made of three, a shared object each, and of a little
 * main of its own. The parser makes nodes, the indexer a table that doubles, and the cache keeps a copy of every tenth
 * number. The leaf of a stack is the caller of malloc, so its binary says whose allocation it was.
 *
 * With every allocation recorded I predict, of 20000 numbers:
 *
 *   parser   20000 objects of 32 bytes                           640000 bytes
 *   indexer  a table of 16, 32 ... 32768 pointers, each time a new object: 8 times (65536 - 16) bytes
 *   cache    2000 objects of 256 bytes                           512000 bytes
 *   main     one object of 4096 bytes
 *
 * exactly, in alloc_space by mapping; the same numbers by source folder; and that all rows add up to the whole, which
 * is the total that heapdiff shows: nothing is counted twice, nothing left out. */
#include "examples/tasks/packages/packages.h"
#include "examples/tasks/task_profile.h"

enum { NUMBERS = 20000, KEPT = NUMBERS / 10, PACKAGES = 4 };

static const struct package {
    const char *name, *mapping, *folder;
    int64_t bytes, objects;
} packages[PACKAGES] = {
    {"parser", "/libtask19_parser.so", "/packages/parser/", NUMBERS * 32l, NUMBERS},
    {"indexer", "/libtask19_indexer.so", "/packages/indexer/", 8l * (65536 - 16), 12},
    {"cache", "/libtask19_cache.so", "/packages/cache/", KEPT * 256l, KEPT},
    {"main", "/task19_packages", "/task19_packages.c", 4096, 1},
};

static TASK_NOINLINE void run(void) {
    size_t count;
    char *scratch = malloc(4 * KIB);
    task_use(scratch);
    struct number *numbers = parser_parse(NUMBERS);
    const struct number **table = indexer_build(numbers, &count);
    for (size_t i = 0; i < count; i += 10)
        cache_put(table[i]);
    free(table);
    parser_free(numbers);
    free(scratch);
    task_expect(cache_size() == KEPT, "the cache has %zu entries", cache_size());
}

/* The sum of the rows with this in their name. */
static int64_t sum_of(const struct task_rows *rows, const char *part) {
    int64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++)
        sum += strstr(rows->rows[i].name, part) ? rows->rows[i].flat : 0;
    return sum;
}

static void check_whole(const struct task_rows *rows, const char *by) {
    int64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++)
        sum += rows->rows[i].flat;
    printf("%-8s %8" PRId64 " bytes in %zu rows by %s\n", "whole", rows->total, rows->count, by);
    task_expect(sum == rows->total, "the rows by %s add up to %" PRId64 ", not to %" PRId64, by, sum, rows->total);
}

int main(void) {
    static struct task_rows mappings, files, objects;
    char profile[TASK_PATH_MOST];
    heaptap_set_mem_profile_rate(1);
    run();
    heaptap_set_mem_profile_rate(0);
    task_profile_write(profile);
    task_heapdiff(&mappings, profile, "alloc_space", "mapping");
    task_heapdiff(&objects, profile, "alloc_objects", "mapping");
    task_heapdiff(&files, profile, "alloc_space", "file");
    unlink(profile);
    for (int i = 0; i < PACKAGES; i++) {
        const struct package *package = &packages[i];
        int64_t bytes = sum_of(&mappings, package->mapping), made = sum_of(&objects, package->mapping);
        int64_t by_folder = sum_of(&files, package->folder);
        printf("%-8s %8" PRId64 " bytes in %5" PRId64 " objects\n", package->name, bytes, made);
        task_expect(bytes == package->bytes, "%s allocated %" PRId64 " bytes, not %" PRId64, package->name, bytes,
                    package->bytes);
        task_expect(made == package->objects, "%s made %" PRId64 " objects, not %" PRId64, package->name, made,
                    package->objects);
        task_expect(by_folder == bytes, "%s is %" PRId64 " bytes by its sources", package->name, by_folder);
    }
    check_whole(&mappings, "mapping");
    check_whole(&files, "file");
    return 0;
}
