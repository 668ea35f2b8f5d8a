/* Exercise 1: the heap's own numbers around a million small items.
 *
 * A list of 1,000,000 nodes of 16 bytes: a pointer and a number. Malloc puts no header in front of an object, and 16
 * bytes is a slot size of its own. So I predict:
 *
 *   heap_objects  goes up by 1,000,000 exactly, and comes back when the list is freed
 *   heap_alloc    goes up by 16 B * 1,000,000 = 16,000,000 exactly
 *   heap_inuse    goes up by a little more, under 1 %: spans are whole pages, and the last one is not full
 *   heap_sys      is at no moment less than heap_alloc, and does not come back: the addresses are kept for the next
 *                 million */
#include "examples/tasks/task.h"

enum { ITEMS = 1000000, READ_EVERY = 50000 };

struct item {
    struct item *next;
    uint64_t number;
};

static void expect_sys_covers_alloc(const char *when) {
    struct heaptap_memstats now = task_memstats();
    task_expect(now.heap_sys >= now.heap_alloc, "heap_sys %" PRIu64 " is below heap_alloc %" PRIu64 " %s", now.heap_sys,
                now.heap_alloc, when);
    task_expect(now.heap_sys == now.heap_inuse + now.heap_idle, "heap_sys is not heap_inuse + heap_idle %s", when);
}

static struct item *build(void) {
    struct item *list = NULL;
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct item *item = task_alloc(sizeof *item);
        *item = (struct item){list, i};
        list = item;
        if (i % READ_EVERY == 0)
            expect_sys_covers_alloc("while the list grows");
    }
    return list;
}

static void destroy(struct item *list) {
    for (uint64_t i = 0; list; i++) {
        struct item *next = list->next;
        free(list);
        list = next;
        if (i % READ_EVERY == 0)
            expect_sys_covers_alloc("while the list is freed");
    }
}

int main(void) {
    task_settle();
    struct heaptap_memstats before = task_memstats();
    struct item *list = build();
    struct heaptap_memstats full = task_memstats();
    destroy(list);
    struct heaptap_memstats after = task_memstats();

    uint64_t objects = full.heap_objects - before.heap_objects;
    uint64_t bytes = full.heap_alloc - before.heap_alloc;
    uint64_t inuse = full.heap_inuse - before.heap_inuse;
    printf("%-13s %12s %12s %12s\n", "", "before", "full", "after");
    printf("heap_objects  %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", before.heap_objects, full.heap_objects,
           after.heap_objects);
    printf("heap_alloc    %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", before.heap_alloc, full.heap_alloc,
           after.heap_alloc);
    printf("heap_inuse    %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", before.heap_inuse, full.heap_inuse,
           after.heap_inuse);
    printf("heap_sys      %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", before.heap_sys, full.heap_sys, after.heap_sys);
    task_expect(objects == ITEMS, "heap_objects rose by %" PRIu64 ", not by %d", objects, ITEMS);
    task_expect(bytes == ITEMS * sizeof(struct item), "heap_alloc rose by %" PRIu64 ", not by 16 bytes an item", bytes);
    task_expect(inuse >= bytes - 16 * KIB && task_near((double)inuse, (double)bytes, 0.01),
                "heap_inuse rose by %" PRIu64 " for %" PRIu64 " bytes of items", inuse, bytes);
    task_expect(after.heap_objects == before.heap_objects, "%" PRIu64 " objects are left",
                after.heap_objects - before.heap_objects);
    task_expect(after.heap_sys >= full.heap_sys, "heap_sys fell from %" PRIu64 " to %" PRIu64, full.heap_sys,
                after.heap_sys);
    return 0;
}
