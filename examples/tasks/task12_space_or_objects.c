/* Exercise 12: alloc_space against alloc_objects. What costs memory is bytes; what costs time is calls. The two lists
 * answer different questions, and a program has two different top fives. This one makes, by site:
 *
 *   site                 objects      bytes each      bytes
 *   split_words           200000              16    3.2 MB    by far the most calls, and hardly any bytes
 *   intern_names           40000              32    1.3 MB
 *   parse_numbers          30000              48    1.4 MB
 *   build_nodes            12000             512    6.1 MB    in both
 *   grow_buffers            3000            8192   24.6 MB    in both
 *   copy_rows               2000            2048    4.1 MB
 *   read_blocks              400           65536   26.2 MB
 *   map_tiles                 20         1048576   21.0 MB    20 calls, a fifth of the bytes
 *
 * I predict both lists in their order, to the byte, with every allocation recorded. Two sites are in both, and the one
 * with seven tenths of the calls is not among the bytes. */
#include "examples/tasks/task_profile.h"

enum { TOP = 5 };

/* One noinline function a site: its name is what a profile shows. */
#define SITE(name, count, size)                                                                                        \
    static TASK_NOINLINE void name(void) {                                                                             \
        for (int i = 0; i < (count); i++) {                                                                            \
            void *p = malloc(size);                                                                                    \
            task_use(p);                                                                                               \
            free(p);                                                                                                   \
        }                                                                                                              \
    }

SITE(split_words, 200000, 16)
SITE(intern_names, 40000, 32)
SITE(parse_numbers, 30000, 48)
SITE(build_nodes, 12000, 512)
SITE(grow_buffers, 3000, 8 * KIB)
SITE(copy_rows, 2000, 2 * KIB)
SITE(read_blocks, 400, 64 * KIB)
SITE(map_tiles, 20, MIB)

struct place {
    const char *name;
    int64_t value;
};

static void check(const char *profile, const char *view, const struct place predicted[TOP]) {
    static struct task_rows rows;
    task_heapdiff(&rows, profile, view, "function");
    printf("%s\n", view);
    task_expect(rows.count >= TOP, "heapdiff shows %zu rows", rows.count);
    for (int i = 0; i < TOP; i++) {
        const struct task_row *row = &rows.rows[i];
        printf("  %d. %-14s %9" PRId64 "  %4.1f%%\n", i + 1, row->name, row->flat,
               100 * (double)row->flat / (double)rows.total);
        task_expect(strcmp(row->name, predicted[i].name) == 0, "place %d of %s is '%s', not '%s'", i + 1, view,
                    row->name, predicted[i].name);
        task_expect(row->flat == predicted[i].value, "%s of '%s' is %" PRId64 ", not %" PRId64, view, row->name,
                    row->flat, predicted[i].value);
    }
}

int main(void) {
    static const struct place by_objects[TOP] = {{"split_words", 200000},
                                                 {"intern_names", 40000},
                                                 {"parse_numbers", 30000},
                                                 {"build_nodes", 12000},
                                                 {"grow_buffers", 3000}};
    static const struct place by_bytes[TOP] = {{"read_blocks", 400l * 65536},
                                               {"grow_buffers", 3000l * 8192},
                                               {"map_tiles", 20l * 1048576},
                                               {"build_nodes", 12000l * 512},
                                               {"copy_rows", 2000l * 2048}};
    char profile[TASK_PATH_MOST];
    heaptap_set_mem_profile_rate(1);
    split_words();
    intern_names();
    parse_numbers();
    build_nodes();
    grow_buffers();
    copy_rows();
    read_blocks();
    map_tiles();
    heaptap_set_mem_profile_rate(0);
    task_profile_write(profile);
    check(profile, "alloc_objects", by_objects);
    check(profile, "alloc_space", by_bytes);
    unlink(profile);
    return 0;
}
