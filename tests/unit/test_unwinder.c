/* Unwinding: known call chains by every way, the cut of own frames, hostile frame pointers, the door of fork.
 */
#include "profiler/unwinder.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "profiler/loader.h"
#include "profiler/unwinder_eh.h"
#include "profiler/unwinder_fp.h"
#include "profiler/unwinder_libunwind.h"
#include "tests/support/unit.h"

#define FRAME        __attribute__((noinline, noclone, optimize("no-omit-frame-pointer")))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

enum { DEPTH = 64 };

static uintptr_t frames[DEPTH + UNWINDER_SLACK];
static unwinder_way way_under_test;

FRAME static size_t leaf(void) {
    size_t count = way_under_test(frames, DEPTH);
    NO_TAIL_CALL;
    return count;
}

FRAME static size_t middle(int depth) {
    size_t count = depth ? middle(depth - 1) : leaf();
    NO_TAIL_CALL;
    return count;
}

static bool lies_in(uintptr_t address, const void *function) { return address - (uintptr_t)function < 256; }

FRAME static void check_chain(unwinder_way way) {
    way_under_test = way;
    size_t count = middle(5);
    size_t own = lies_in(frames[0], (const void *)leaf) ? 0 : 1; /* a way may begin with its own frame */
    assert_true(count >= 8 + own);
    assert_true(lies_in(frames[own], (const void *)leaf));
    for (size_t i = 1; i <= 6; i++)
        assert_true(lies_in(frames[own + i], (const void *)middle));
    assert_true(lies_in(frames[own + 7], (const void *)check_chain));
}

static void test_frame_pointers(void **state) {
    (void)state;
    check_chain(unwinder_fp_capture);
}

static void test_own_tables(void **state) {
    (void)state;
    loader_start();
    if (!unwinder_eh_start())
        skip();
    uint64_t cut_before = unwinder_eh_cut();
    for (int i = 0; i < 3; i++)
        check_chain(unwinder_eh_capture);
    unwinder_eh_forget();
    check_chain(unwinder_eh_capture);
    assert_int_equal(unwinder_eh_cut(), cut_before);
}

static void test_libunwind(void **state) {
    (void)state;
    void *before = dlsym(RTLD_DEFAULT, "_Unwind_RaiseException");
    loader_start();
    if (!unwinder_libunwind_load())
        skip();
    for (int i = 0; i < 3; i++)
        check_chain(unwinder_libunwind_capture);
    unwinder_libunwind_forget(); /* from here on by steps */
    check_chain(unwinder_libunwind_capture);
    assert_ptr_equal(dlsym(RTLD_DEFAULT, "_Unwind_RaiseException"), before);
}

static void test_objects_without_a_lock(void **state) {
    int on_the_stack;
    struct dl_phdr_info info;
    (void)state;
    loader_start();
    assert_true(loader_find_object((uintptr_t)&middle, &info));
    assert_true(info.dlpi_phnum > 3);
    assert_true(loader_find_object((uintptr_t)&getppid, &info));
    assert_non_null(strstr(info.dlpi_name, "libc"));
    assert_false(loader_find_object((uintptr_t)&on_the_stack, &info));
    assert_false(loader_find_object(0, &info));
}

static void test_hostile_frame_pointers(void **state) {
    uintptr_t out[16], chain[8];
    (void)state;
    assert_int_equal(unwinder_fp_walk(0, out, 16), 0);
    assert_int_equal(unwinder_fp_walk(1, out, 16), 0);
    assert_int_equal(unwinder_fp_walk(UINTPTR_MAX - 7, out, 16), 0);
    assert_int_equal(unwinder_fp_walk((uintptr_t)1 << 63, out, 16), 0);
    assert_int_equal(unwinder_fp_walk((uintptr_t)chain + 4, out, 16), 0);
    chain[0] = (uintptr_t)chain; /* a circle */
    chain[1] = 0x401000;
    assert_int_equal(unwinder_fp_walk((uintptr_t)chain, out, 16), 1);
    chain[0] = (uintptr_t)&chain[2];
    chain[2] = (uintptr_t)&chain[0]; /* backwards */
    chain[3] = 0x402000;
    assert_int_equal(unwinder_fp_walk((uintptr_t)chain, out, 16), 2);
    assert_int_equal(out[1], 0x402000);
    assert_int_equal(unwinder_fp_walk((uintptr_t)chain, out, 1), 1);
    chain[3] = 7; /* no return address */
    assert_int_equal(unwinder_fp_walk((uintptr_t)chain, out, 16), 1);
}

static void test_frame_at_the_edge_of_a_mapping(void **state) {
    uintptr_t out[4];
    size_t page = os_page_size();
    char *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    mprotect(map + page, page, PROT_NONE);
    uintptr_t *frame = (uintptr_t *)(void *)(map + page) - 2;
    frame[0] = (uintptr_t)map + page; /* the caller's frame cannot be read */
    frame[1] = 0x401000;
    assert_int_equal(unwinder_fp_walk((uintptr_t)frame, out, 4), 1);
    assert_int_equal(unwinder_fp_walk((uintptr_t)frame + 8, out, 4), 0); /* its second word cannot */
    munmap(map, 3 * page);
    assert_int_equal(unwinder_fp_walk((uintptr_t)frame, out, 4), 0);
}

static struct unwinder_stack captured;

FRAME static size_t capture_in_chain(int chain, size_t depth) {
    if (chain)
        capture_in_chain(chain - 1, depth);
    else
        assert_true(unwinder_capture(frames, depth, &captured));
    NO_TAIL_CALL;
    return captured.count;
}

static void test_cut_and_depth(void **state) {
    (void)state;
    unwinder_start(OPTIONS_UNWINDER_LIBUNWIND);
    unwinder_set_own_code(0, 0);
    assert_true(capture_in_chain(5, DEPTH) >= 6);
    assert_false(lies_in(captured.frames[0], (const void *)capture_in_chain)); /* unwinder_capture itself */
    size_t own = 1;
    while (!lies_in(captured.frames[own], (const void *)capture_in_chain))
        own++;
    assert_true(own <= 3);
    uintptr_t low = captured.frames[0], high = captured.frames[0];
    for (size_t i = 1; i < own; i++) {
        low = captured.frames[i] < low ? captured.frames[i] : low;
        high = captured.frames[i] > high ? captured.frames[i] : high;
    }
    unwinder_set_own_code(low, high + 1);
    assert_true(capture_in_chain(5, DEPTH) >= 5);
    assert_true(lies_in(captured.frames[0], (const void *)capture_in_chain));
    assert_int_equal(capture_in_chain(5, 2), 2);
    assert_true(lies_in(captured.frames[0], (const void *)capture_in_chain));
    unwinder_set_own_code(0, UINTPTR_MAX); /* all of it: an empty stack, not an error */
    assert_int_equal(capture_in_chain(5, 2), 0);
    unwinder_set_own_code(0, 0);
}

static void *capture_once(void *unused) {
    uintptr_t buffer[8 + UNWINDER_SLACK] = {0};
    struct unwinder_stack stack;
    (void)unused;
    return unwinder_capture(buffer, 8, &stack) && stack.count ? NULL : &frames;
}

static void test_door_of_fork(void **state) {
    uintptr_t buffer[8 + UNWINDER_SLACK] = {0};
    struct unwinder_stack stack;
    pthread_t thread;
    void *failed;
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* libunwind locks at a thread's end, when thread sanitizer has left the thread */
#endif
    if (strcmp(unwinder_name(), "libunwind") != 0)
        skip(); /* the others take no locks and have no door */
    unwinder_fork_prepare();
    assert_true(unwinder_capture(buffer, 8, &stack)); /* the forking thread itself goes through */
    pthread_create(&thread, NULL, capture_once, NULL);
    usleep(50 * 1000);
    assert_int_equal(pthread_tryjoin_np(thread, &failed), 16 /* EBUSY: it waits for the fork */);
    unwinder_fork_parent();
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(unwinder_dropped(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_pointers),
        cmocka_unit_test(test_own_tables),
        cmocka_unit_test(test_libunwind),
        cmocka_unit_test(test_objects_without_a_lock),
        cmocka_unit_test(test_hostile_frame_pointers),
        cmocka_unit_test(test_frame_at_the_edge_of_a_mapping),
        cmocka_unit_test(test_cut_and_depth),
        cmocka_unit_test(test_door_of_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
