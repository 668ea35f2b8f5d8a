/* Exercise 4: two ways to format an integer.
 *
 *   asprintf  returns a string of its own for each number; the caller frees it
 *   snprintf  writes into a buffer that the caller has
 *
 * The string must live somewhere, so I predict at least one allocation for each asprintf, and at least the bytes of its
 * characters. How many more is the C library's affair: some versions start with a block of 100 bytes and copy the
 * result to a smaller one, which makes two; so 1 or 2, and always the same. Snprintf of an integer needs none: 0
 * allocations, 0 bytes. Their ratio has no finite value, which is the point: on a hot path one of them is free. */
#include "examples/tasks/task.h"

enum { NUMBERS = 20000 };

struct cost {
    struct heaptap_counters spent;
    int64_t ns;
    uint64_t characters;
};

static TASK_NOINLINE uint64_t format_by_asprintf(int number) {
    char *text = NULL;
    int length = asprintf(&text, "%d", number);
    task_expect(length > 0, "cannot format %d", number);
    task_use(text);
    free(text);
    return (uint64_t)length;
}

static TASK_NOINLINE uint64_t format_into_buffer(int number) {
    char text[16];
    int length = snprintf(text, sizeof text, "%d", number);
    task_use(text);
    return (uint64_t)length;
}

static struct cost measure(uint64_t (*format)(int)) {
    struct cost cost = {.ns = task_now_ns()};
    struct heaptap_counters before = task_counters();
    for (int i = 0; i < NUMBERS; i++)
        cost.characters += format(i);
    cost.spent = task_counters();
    cost.ns = task_now_ns() - cost.ns;
    cost.spent.mallocs -= before.mallocs;
    cost.spent.frees -= before.frees;
    cost.spent.alloc_bytes -= before.alloc_bytes;
    return cost;
}

static void print(const char *name, const struct cost *cost) {
    printf("%-9s %6.2f allocations/op %8.1f B/op %8.1f ns/op\n", name, (double)cost->spent.mallocs / NUMBERS,
           (double)cost->spent.alloc_bytes / NUMBERS, (double)cost->ns / NUMBERS);
}

int main(void) {
    task_settle();
    struct cost string = measure(format_by_asprintf), buffer = measure(format_into_buffer);
    print("asprintf", &string);
    print("snprintf", &buffer);
    printf("ratio     %.2f : %.2f allocations, %.1f : %.1f bytes\n", (double)string.spent.mallocs / NUMBERS,
           (double)buffer.spent.mallocs / NUMBERS, (double)string.spent.alloc_bytes / NUMBERS,
           (double)buffer.spent.alloc_bytes / NUMBERS);
    task_expect(string.characters == buffer.characters, "the two ways wrote different texts");
    task_expect(string.spent.mallocs == NUMBERS || string.spent.mallocs == 2ull * NUMBERS,
                "asprintf made %" PRIu64 " allocations for %d numbers", string.spent.mallocs, NUMBERS);
    task_expect(string.spent.frees == string.spent.mallocs, "asprintf left objects behind");
    task_expect(string.spent.alloc_bytes >= string.characters + NUMBERS,
                "asprintf's %" PRIu64 " bytes do not hold its texts", string.spent.alloc_bytes);
    task_expect(buffer.spent.mallocs == 0 && buffer.spent.alloc_bytes == 0, "snprintf made %" PRIu64 " allocations",
                buffer.spent.mallocs);
    return 0;
}
