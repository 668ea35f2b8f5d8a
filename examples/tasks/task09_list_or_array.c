/* Exercise 9: pointers or an array? 1,048,576 numbers of 8 bytes, kept in two ways and added up.
 *
 *   list   a node for each number, {next, number}: 16 bytes a number, half of it pointers. Each step must load a node
 *          before it knows where the next one is. The nodes are linked in a shuffled order, as an old heap's are
 *   array  one block: 8 bytes a number and nothing else. The processor sees the next line coming
 *
 * I predict 1,048,576 allocations against 1; exactly 16 and 8 bytes a number; and that the array is walked faster. By
 * how much depends on the machine's caches: printed, and asked only to be more than 1. */
#include "examples/tasks/task.h"

enum { NUMBERS = 1 << 20, ROUNDS = 5 };

struct node {
    struct node *next;
    uint64_t number;
};

/* Every place once, in an order without pattern for the prefetcher: a full-period generator modulo a power of
 * two, then its bits turned round, since its low bits have short periods. */
static uint32_t shuffled(uint32_t *state) {
    *state = (*state * 1664525u + 1013904223u) % NUMBERS;
    uint32_t turned = 0;
    for (uint32_t bit = 1; bit < NUMBERS; bit <<= 1)
        turned = turned << 1 | ((*state & bit) != 0);
    return turned;
}

static struct node *list_build(void) {
    struct node **places = calloc(NUMBERS, sizeof(void *));
    task_expect(places != NULL, "cannot allocate the places: %s", strerror(errno));
    for (uint32_t i = 0; i < NUMBERS; i++) {
        places[i] = task_alloc(sizeof(struct node));
        places[i]->number = i;
    }
    struct node *list = NULL;
    uint32_t state = 1;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        struct node *node = places[shuffled(&state)];
        node->next = list;
        list = node;
    }
    free(places);
    return list;
}

static TASK_NOINLINE uint64_t list_sum(const void *list) {
    uint64_t sum = 0;
    for (const struct node *node = list; node; node = node->next)
        sum += node->number;
    return sum;
}

static TASK_NOINLINE uint64_t array_sum(const void *array) {
    const uint64_t *numbers = array;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < NUMBERS; i++)
        sum += numbers[i];
    return sum;
}

/* Nanoseconds a number, of the quickest walk of some: the others were disturbed. */
static double walk(uint64_t (*sum)(const void *), const void *numbers) {
    int64_t best = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began = task_now_ns();
        uint64_t total = sum(numbers);
        int64_t took = task_now_ns() - began;
        task_expect(total == (uint64_t)NUMBERS * (NUMBERS - 1) / 2, "the numbers add up to %" PRIu64, total);
        best = took < best ? took : best;
    }
    return (double)best / NUMBERS;
}

int main(void) {
    task_settle();
    struct heaptap_memstats before = task_memstats();
    struct node *list = list_build();
    struct heaptap_memstats with_list = task_memstats();
    uint64_t *array = task_alloc(NUMBERS * sizeof *array);
    for (uint32_t i = 0; i < NUMBERS; i++)
        array[i] = i;
    struct heaptap_memstats with_both = task_memstats();

    uint64_t list_bytes = with_list.heap_alloc - before.heap_alloc,
             list_objects = with_list.heap_objects - before.heap_objects;
    uint64_t array_bytes = with_both.heap_alloc - with_list.heap_alloc,
             array_objects = with_both.heap_objects - with_list.heap_objects;
    double list_ns = walk(list_sum, list), array_ns = walk(array_sum, array);
    printf("list   %8" PRIu64 " objects  %5.2f bytes a number  %6.2f ns a step\n", list_objects,
           (double)list_bytes / NUMBERS, list_ns);
    printf("array  %8" PRIu64 " object   %5.2f bytes a number  %6.2f ns a step: %.1f times as fast\n", array_objects,
           (double)array_bytes / NUMBERS, array_ns, list_ns / array_ns);
    task_expect(list_objects == NUMBERS && list_bytes == (uint64_t)NUMBERS * 16,
                "the list is %" PRIu64 " bytes in %" PRIu64 " objects", list_bytes, list_objects);
    task_expect(array_objects == 1 && array_bytes == (uint64_t)NUMBERS * 8,
                "the array is %" PRIu64 " bytes in %" PRIu64 " objects", array_bytes, array_objects);
    task_expect(array_ns < list_ns, "the array took %.2f ns a step, the list %.2f", array_ns, list_ns);
    while (list) {
        struct node *next = list->next;
        free(list);
        list = next;
    }
    free(array);
    return 0;
}
