/* Captured stacks against those of the C library's backtrace(), which is libgcc's unwinder and so another reading of
 * the same tables: through callbacks of the C library, in threads, on signal stacks and fibers, in functions that align
 * their stack, and in signal handlers that come at any instruction. Equal to the last frame, or cut and counted as cut.
 */
#include "profiler/unwinder_eh.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "profiler/loader.h"
#include "tests/support/unit.h"

#define PLAIN        __attribute__((noinline, noclone))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

/* These sanitizers put frames of their own into backtrace() and delay signals. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_BACKTRACE_OF_ITS_OWN 1
#else
#define HAS_BACKTRACE_OF_ITS_OWN 0
#endif

enum { ROOM = 200 };

static volatile int checks, cuts, wrong;

static void report(const uintptr_t *ours, size_t count, void *const *theirs, size_t their_count) {
    if (wrong++ > 0)
        return;
    for (size_t i = 0; i < count || i < their_count; i++)
        fprintf(stderr, "  %2zu  %#18zx  %#18zx\n", i, i < count ? ours[i] : 0,
                i < their_count ? (uintptr_t)theirs[i] : 0);
}

/* The frames of the callers of this function must be the same; a shorter stack must have been counted. */
PLAIN static size_t check_here(void) {
    uintptr_t ours[ROOM];
    void *theirs[ROOM];
    uint64_t cut_before = unwinder_eh_cut();
    memset(ours, 0, sizeof ours);
    size_t count = unwinder_eh_capture(ours, ROOM);
    bool is_cut = unwinder_eh_cut() > cut_before;
    size_t their_count = (size_t)backtrace(theirs, ROOM);
    bool same = count >= 2 && (is_cut ? count <= their_count : count == their_count);
    for (size_t i = 1; same && i < count; i++)
        same = ours[i] == (uintptr_t)theirs[i];
    checks++;
    cuts += count < their_count;
    if (!same)
        report(ours, count, theirs, their_count);
    NO_TAIL_CALL;
    return count;
}

static void expect_whole(int at_least) {
    assert_int_equal(wrong, 0);
    assert_int_equal(cuts, 0);
    assert_true(checks >= at_least);
    checks = 0;
}

static int compare(const void *a, const void *b) {
    check_here();
    return *(const int *)a - *(const int *)b;
}

static void once(void) { check_here(); }

__attribute__((optimize("omit-frame-pointer"))) PLAIN static void without_frame_pointer(int depth) {
    char room[64];
    memset(room, depth, sizeof room);
    if (depth)
        without_frame_pointer(depth - 1);
    else
        check_here();
    __asm__ volatile("" ::"r"(room) : "memory");
}

/* An aligned object makes the compiler align the stack; a variable one makes the stack pointer unknown. */
PLAIN static void with_aligned_stack(size_t size) {
    _Alignas(128) char aligned[256];
    char *variable = __builtin_alloca(size);
    memset(aligned, 1, sizeof aligned);
    memset(variable, 2, size);
    check_here();
    __asm__ volatile("" ::"r"(aligned), "r"(variable) : "memory");
}

static void call_back(void) {
    pthread_once_t control = PTHREAD_ONCE_INIT;
    int numbers[] = {3, 1, 2, 9, 4}, key = 4;
    check_here();
    qsort(numbers, 5, sizeof *numbers, compare);
    bsearch(&key, numbers, 5, sizeof *numbers, compare);
    pthread_once(&control, once);
    without_frame_pointer(10);
    with_aligned_stack(100);
    with_aligned_stack(5000);
}

static void test_callbacks(void **state) {
    (void)state;
    call_back();
    expect_whole(10);
}

static void *in_thread(void *unused) {
    (void)unused;
    call_back();
    without_frame_pointer(100);
    check_here();
    return NULL;
}

static void test_threads(void **state) {
    pthread_t thread;
    (void)state;
    for (int i = 0; i < 3; i++) {
        pthread_create(&thread, NULL, in_thread, NULL);
        pthread_join(thread, NULL);
    }
    expect_whole(30);
}

static void handle(int number) {
    (void)number;
    check_here();
    without_frame_pointer(3);
}

static void set_handler(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(number, &action, NULL);
}

PLAIN static void raise_here(int number) {
    raise(number);
    NO_TAIL_CALL;
}

static void test_signal_stack(void **state) {
    static char room[64 << 10] __attribute__((aligned(4096)));
    stack_t other = {.ss_sp = room, .ss_size = sizeof room}, none = {.ss_flags = SS_DISABLE};
    (void)state;
    set_handler(SIGUSR1, handle, 0);
    raise_here(SIGUSR1);
    sigaltstack(&other, NULL);
    set_handler(SIGUSR1, handle, SA_ONSTACK);
    raise_here(SIGUSR1);
    sigaltstack(&none, NULL);
    expect_whole(4);
}

static ucontext_t main_context, fiber_context;

static void fiber(void) {
    for (int i = 0; i < 3; i++) {
        check_here();
        without_frame_pointer(20);
        swapcontext(&fiber_context, &main_context);
    }
}

/* The fiber's stack ends at memory that cannot be read, is entered from two threads, and goes at last. */
static void *resume(void *unused) {
    swapcontext(&main_context, &fiber_context);
    return unused;
}

static void test_fibers(void **state) {
    enum { SIZE = 64 << 10 };
    pthread_t thread;
    char *map = mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    mprotect(map + SIZE, 4096, PROT_NONE);
    getcontext(&fiber_context);
    fiber_context.uc_stack.ss_sp = map;
    fiber_context.uc_stack.ss_size = SIZE;
    makecontext(&fiber_context, fiber, 0);
    resume(NULL);
    pthread_create(&thread, NULL, resume, NULL);
    pthread_join(thread, NULL);
    resume(NULL);
    munmap(map, SIZE + 4096);
    expect_whole(6);
}

/* Signals at any instruction of the C library's and of the program's code, entries and ends of functions included. The
 * outermost frames are known. All others are compared where backtrace() stands this; under qemu-aarch64 it crashes
 * by itself. */
static volatile sig_atomic_t ticks;

#if defined(__x86_64__)
enum { COMPARES_IN_SIGNALS = 1 };
#else
enum { COMPARES_IN_SIGNALS = 0 };
#endif
enum { ROOTS = 4 };
static uintptr_t roots[ROOTS];

PLAIN static void check_roots(void) {
    uintptr_t ours[ROOM];
    memset(ours, 0, sizeof ours);
    uint64_t cut_before = unwinder_eh_cut();
    size_t count = unwinder_eh_capture(ours, ROOM);
    bool is_cut = unwinder_eh_cut() > cut_before;
    cuts += is_cut;
    checks++;
    if (!is_cut && (count < ROOTS + 3 || memcmp(&ours[count - ROOTS], roots, sizeof roots) != 0))
        report(ours, count, (void **)roots, ROOTS);
    NO_TAIL_CALL;
}

static void tick(int number) {
    (void)number;
    check_roots();
    if (COMPARES_IN_SIGNALS)
        check_here();
    ticks++;
}

static void work(void) {
    char text[200], copy[200];
    int numbers[50];
    for (int i = 0; i < 50; i++)
        numbers[i] = rand() % 1000;
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "%d %s %g %zx", i, "text", i * 1.7, (size_t)i);
        numbers[i] += (int)strtod(text + 2, NULL) % 7;
        memmove(copy, text, sizeof copy);
        numbers[i] += strstr(copy, "xt") != NULL;
        time_t now = time(NULL);
        struct tm broken;
        gmtime_r(&now, &broken);
        strftime(copy, sizeof copy, "%c", &broken);
        with_aligned_stack((size_t)numbers[i] % 2000);
    }
}

static void test_signals_at_any_instruction(void **state) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec every = {{0, 211000}, {0, 211000}};
    struct timespec start, now;
    timer_t timer;
    uintptr_t frames[ROOM] = {0};
    (void)state;
    size_t count = unwinder_eh_capture(frames, ROOM);
    assert_true(count > ROOTS);
    memcpy(roots, &frames[count - ROOTS], sizeof roots);
    set_handler(SIGUSR2, tick, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &every, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        work();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 3);
    timer_delete(timer);
    printf("%d signals, %d stacks checked, %d cut\n", (int)ticks, checks, cuts);
    assert_int_equal(wrong, 0);
    assert_true(ticks > 100);
    assert_true(cuts <= checks / 100);
    checks = cuts = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_signal_stack),
        cmocka_unit_test(test_fibers),
        cmocka_unit_test(test_signals_at_any_instruction),
    };
    void *first[4];
    loader_start();
    if (!unwinder_eh_start() || HAS_BACKTRACE_OF_ITS_OWN)
        return 0;
    backtrace(first, 4); /* loads libgcc's unwinder */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
