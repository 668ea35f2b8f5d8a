/* Exercise 10: a callback's captured state. In Go a closure that outlives its function takes its variables to the heap,
 * and nobody sees an allocation. In C the state is a struct that somebody mallocs, and forgets more easily.
 *
 * A shop has timers. Each carries a function and what that function needs to know, captured on the heap by one and the
 * same helper, `capture`, for three kinds of them:
 *
 *   remind_of_cart    1000 timers, which run; the callback frees its state
 *   expire_coupon      600 timers, which run; the callback frees its state
 *   follow_parcel      250 timers, of which 200 are cancelled; and cancelling forgets the state
 *
 * By function all of it is capture's: 250 live objects, and no word of why. By stack there is one row for each way to
 * capture. I predict, with every allocation recorded, exactly:
 *
 *   1000, 600 and 250 objects allocated by the three stacks
 *   0, 0 and 200 in use at the end: follow_parcel leaks, and nobody else
 *   48 bytes each, for the 41 of the struct without its padding are 48 with it, which is a slot of the heap */
#include "examples/tasks/task_profile.h"

enum { CARTS = 1000, COUPONS = 600, PARCELS = 250, CANCELLED = 200, STATE_BYTES = 48 };

struct state {
    double amount;
    int64_t customer, due, item;
    void (*notify)(struct state *state);
    char kind;
};

struct timer {
    void (*callback)(struct state *state);
    struct state *state;
};

static struct timer timers[CARTS + COUPONS + PARCELS];
static size_t timer_count;
static double notified;

static TASK_NOINLINE struct state *capture(char kind, int64_t customer, double amount) {
    struct state *state = malloc(sizeof *state);
    task_expect(state != NULL, "cannot capture");
    *state = (struct state){.kind = kind, .customer = customer, .amount = amount};
    task_use(state);
    return state;
}

static void tell(struct state *state) {
    notified += state->amount;
    free(state);
}

static void start(struct state *state) { timers[timer_count++] = (struct timer){tell, state}; }

static TASK_NOINLINE void remind_of_cart(int customer) { start(capture('c', customer, 1)); }
static TASK_NOINLINE void expire_coupon(int customer) { start(capture('e', customer, 2)); }
static TASK_NOINLINE void follow_parcel(int customer) { start(capture('p', customer, 3)); }

/* The timer will not run. That its state is of no use any more nobody has thought of. */
static void cancel(struct timer *timer) { timer->callback = NULL; }

static void run_timers(void) {
    for (size_t i = 0; i < timer_count; i++)
        if (timers[i].callback)
            timers[i].callback(timers[i].state);
    /* Nor is it reachable any more. */
    memset(timers, 0, sizeof timers);
}

static void sell(void) {
    for (int i = 0; i < CARTS; i++)
        remind_of_cart(i);
    for (int i = 0; i < COUPONS; i++)
        expire_coupon(i);
    for (int i = 0; i < PARCELS; i++) {
        follow_parcel(i);
        if (i < CANCELLED)
            cancel(&timers[timer_count - 1]);
    }
    run_timers();
}

int main(void) {
    static const struct {
        const char *stack;
        int64_t made, left;
    } predicted[] = {{"capture < remind_of_cart < ", CARTS, 0},
                     {"capture < expire_coupon < ", COUPONS, 0},
                     {"capture < follow_parcel < ", PARCELS, CANCELLED}};
    static struct task_rows made, left, left_bytes, functions;
    char profile[TASK_PATH_MOST];
    heaptap_set_mem_profile_rate(1);
    sell();
    heaptap_set_mem_profile_rate(0);
    task_profile_write(profile);
    task_heapdiff(&made, profile, "alloc_objects", "stack");
    task_heapdiff(&left, profile, "inuse_objects", "stack");
    task_heapdiff(&left_bytes, profile, "inuse_space", "stack");
    task_heapdiff(&functions, profile, "inuse_objects", "function");
    unlink(profile);
    printf("by function: capture has %" PRId64 " objects in use\n", task_flat_of(&functions, "capture"));
    for (size_t i = 0; i < sizeof predicted / sizeof *predicted; i++) {
        const char *stack = predicted[i].stack;
        printf("%-28s %5" PRId64 " allocated, %4" PRId64 " in use, %5" PRId64 " bytes\n", stack,
               task_flat_of(&made, stack), task_flat_of(&left, stack), task_flat_of(&left_bytes, stack));
        task_expect(task_flat_of(&made, stack) == predicted[i].made, "'%s' is not %" PRId64 " allocations", stack,
                    predicted[i].made);
        task_expect(task_flat_of(&left, stack) == predicted[i].left, "'%s' has not %" PRId64 " in use", stack,
                    predicted[i].left);
        task_expect(task_flat_of(&left_bytes, stack) == predicted[i].left * STATE_BYTES, "'%s' has not %d bytes each",
                    stack, STATE_BYTES);
    }
    task_expect(task_flat_of(&functions, "capture") == CANCELLED, "capture has not %d in use", CANCELLED);
    return 0;
}
