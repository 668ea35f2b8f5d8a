/* Exercise 5: three size classes, measured from outside and compared with the table that the allocator is built from.
 *
 * A request is rounded up to the slot of its class, and slots come from spans: a few pages of 8 KiB each, cut into
 * equal slots, with a tail that is too short for one more. For 200 bytes, say: slots of 208 bytes, a span of one page,
 * 8192 / 208 = 39 slots, and a tail of 8192 - 39 * 208 = 80 bytes that nobody can use.
 *
 * alloc/size_class_table.h, which a generator wrote, has the slot size and the pages of a class's first span. Outside:
 *
 *   slot     by how much alloc_bytes of this thread rises with one object
 *   pages    by how much heap_inuse rises with the first object of the class
 *   objects  how many fit until heap_inuse rises again
 *   tail     pages * 8 KiB - objects * slot
 *
 * I predict that all four agree, for a small, a middle and a large class. (Later spans of a class are larger: that is
 * exercise 6.) */
#include "alloc/size_class.h"
#include "examples/tasks/task.h"

static const struct size_class table[SIZE_CLASS_COUNT] = {SIZE_CLASS_VALUES};

struct findings {
    uint64_t size, pages, objects, tail;
};

static struct findings predict(size_t request) {
    unsigned c = 1;
    while (table[c].size < request)
        c++;
    struct findings found = {.size = table[c].size, .pages = table[c].pages};
    found.objects = found.pages * HEAP_PAGE_SIZE / found.size;
    found.tail = found.pages * HEAP_PAGE_SIZE - found.objects * found.size;
    return found;
}

/* A class that nobody used yet has no span. */
static bool class_is_fresh(size_t size) {
    struct heaptap_memstats stats = task_memstats();
    for (uint32_t c = 1; c < stats.size_class_count; c++) {
        if (stats.by_size[c].size == size)
            return stats.by_size[c].mallocs == 0;
    }
    return false;
}

static struct findings measure(size_t request) {
    struct findings found = {0};
    uint64_t bytes = task_counters().alloc_bytes, empty = task_memstats().heap_inuse;
    void **last = NULL;
    for (uint64_t full = 0;; found.objects++) {
        void **object = task_alloc(request);
        *object = last;
        last = object;
        uint64_t inuse = task_memstats().heap_inuse;
        if (found.objects == 0) {
            full = inuse;
            found.size = task_counters().alloc_bytes - bytes;
            found.pages = (full - empty) / HEAP_PAGE_SIZE;
        }
        if (inuse != full)
            break;
    }
    found.tail = found.pages * HEAP_PAGE_SIZE - found.objects * found.size;
    while (last) {
        void **next = *last;
        free(last);
        last = next;
    }
    return found;
}

int main(void) {
    task_settle();
    static const size_t requests[] = {200, 1300, 6600};
    enum { REQUESTS = sizeof requests / sizeof requests[0] };
    struct findings predicted[REQUESTS], found[REQUESTS];
    for (int i = 0; i < REQUESTS; i++) {
        predicted[i] = predict(requests[i]);
        task_expect(class_is_fresh(predicted[i].size), "somebody used slots of %" PRIu64 " bytes before",
                    predicted[i].size);
        found[i] = measure(requests[i]);
    }
    printf("request   slot  pages  objects  tail waste\n");
    for (int i = 0; i < REQUESTS; i++) {
        const struct findings *f = &found[i], *p = &predicted[i];
        printf("%7zu %6" PRIu64 " %6" PRIu64 " %8" PRIu64 " %11" PRIu64 "\n", requests[i], f->size, f->pages,
               f->objects, f->tail);
        task_expect(memcmp(f, p, sizeof *f) == 0,
                    "for %zu bytes the table has slots of %" PRIu64 ", %" PRIu64 " pages, %" PRIu64
                    " objects, tail %" PRIu64,
                    requests[i], p->size, p->pages, p->objects, p->tail);
    }
    return 0;
}
