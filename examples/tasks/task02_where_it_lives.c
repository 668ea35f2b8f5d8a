/* Exercise 2: where does it live? Three functions that hand out a point.
 *
 *   point_new      returns a pointer to memory of malloc: the point outlives the call, so it needs a slot of its own
 *   point_make     returns the point itself: 16 bytes travel in two registers
 *   point_measure  hands the address of a local *down*: the frame is still there while it is used
 *
 * In Go the compiler finds out which of these must move to the heap. In C nothing moves by itself: what says malloc is
 * on the heap, and an address alone costs nothing. So I predict 1, 0 and 0 allocations for each call, exactly.
 *
 * One surprise is kept out by a compiler switch: gcc may delete a malloc whose memory nobody looks at. That is C's own,
 * quiet escape analysis; built with plain -O2, a point_new that nobody uses may count 0. */
#include "examples/tasks/task.h"

enum { CALLS = 1000 };

struct point {
    double x, y;
};

static TASK_NOINLINE struct point *point_new(double x, double y) {
    struct point *point = task_alloc(sizeof *point);
    *point = (struct point){x, y};
    return point;
}

static TASK_NOINLINE struct point point_make(double x, double y) { return (struct point){x, y}; }

static TASK_NOINLINE double point_square(const struct point *point) {
    return point->x * point->x + point->y * point->y;
}

static TASK_NOINLINE double point_measure(double x, double y) {
    struct point local = {x, y};
    return point_square(&local);
}

static double by_pointer(double x) {
    struct point *point = point_new(x, 1);
    double sum = point->x + point->y;
    free(point);
    return sum;
}

static double by_value(double x) {
    struct point point = point_make(x, 1);
    return point.x + point.y;
}

static double by_local_address(double x) { return point_measure(x, 1); }

int main(void) {
    task_settle();
    static const struct {
        const char *name;
        double (*call)(double);
        uint64_t predicted;
    } ways[] = {
        {"pointer to the heap", by_pointer, 1}, {"by value", by_value, 0}, {"address of a local", by_local_address, 0}};
    enum { WAYS = sizeof ways / sizeof ways[0] };
    uint64_t allocations[WAYS], bytes[WAYS];
    double sum = 0;
    for (int way = 0; way < WAYS; way++) {
        struct heaptap_counters before = task_counters();
        for (int i = 0; i < CALLS; i++)
            sum += ways[way].call(i);
        struct heaptap_counters after = task_counters();
        allocations[way] = after.mallocs - before.mallocs;
        bytes[way] = after.alloc_bytes - before.alloc_bytes;
    }
    task_use(&sum);
    for (int way = 0; way < WAYS; way++) {
        printf("%-20s %.3f allocations and %.1f bytes a call\n", ways[way].name, (double)allocations[way] / CALLS,
               (double)bytes[way] / CALLS);
        task_expect(allocations[way] == ways[way].predicted * CALLS, "'%s' made %" PRIu64 " allocations in %d calls",
                    ways[way].name, allocations[way], CALLS);
    }
    return 0;
}
