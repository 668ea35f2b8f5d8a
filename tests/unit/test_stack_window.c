/* What of a stack may be read: the thread's own up to its end, another one page by page, nothing that cannot be read.
 */
#include "profiler/stack_window.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/os.h"
#include "tests/support/unit.h"

static uintptr_t here(void) { return (uintptr_t)__builtin_frame_address(0); }

/* Other functions' variables, and what lies between them: nothing for a sanitizer to look at. */
__attribute__((noinline, no_sanitize("address", "thread"))) static void read_word(uintptr_t address) {
    (void)*(volatile uintptr_t *)address;
}

static void check_own_stack(void) {
    pthread_attr_t attributes;
    void *low;
    size_t size;
    struct stack_window window = stack_window_at(here());
    assert_true(window.is_own);
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    if (gettid() != getpid()) /* of the main thread's stack the part below the arguments is told */
        assert_true(window.limit <= (uintptr_t)low + size);
    assert_true(window.limit > here());
    for (uintptr_t word = here() & ~(uintptr_t)7; word + 8 <= window.limit; word += 8) {
        assert_true(stack_window_holds(&window, word));
        read_word(word);
    }
    assert_false(stack_window_holds(&window, window.limit));
    assert_false(stack_window_holds(&window, window.floor - 8));
    assert_false(stack_window_holds(&window, 0));
    assert_false(stack_window_holds(&window, UINTPTR_MAX - 7));
}

static void *in_thread(void *unused) {
    check_own_stack();
    return unused;
}

static void test_own_stack(void **state) {
    pthread_t thread;
    (void)state;
    stack_window_start();
    check_own_stack();
#if defined(__SANITIZE_THREAD__)
    return; /* its threads end in here without a word */
#endif
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
}

static void test_other_stack(void **state) {
    enum { PAGE = 4096 };
    char *map = mmap(NULL, 4 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    mprotect(map + 65536, 65536, PROT_NONE);
    uintptr_t sp = (uintptr_t)map + 65536 - 3 * PAGE + 64;
    struct stack_window window = stack_window_at(sp);
    assert_false(window.is_own);
    assert_true(stack_window_holds(&window, sp + 8));
    assert_true(stack_window_holds(&window, sp));
    assert_false(stack_window_holds(&window, sp - 8));
    assert_true(stack_window_holds(&window, sp + PAGE));
    assert_true(stack_window_holds(&window, (uintptr_t)map + 65536 - 8));
    assert_false(stack_window_holds(&window, (uintptr_t)map + 65536));
    assert_true(stack_window_holds(&window, (uintptr_t)map + 2 * 65536)); /* beyond the hole: it is memory */
    assert_true(stack_window_holds(&window, sp + 16));
    munmap(map, 4 * 65536);
    window = stack_window_at(sp);
    assert_false(stack_window_holds(&window, sp)); /* nothing is remembered */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_stack),
        cmocka_unit_test(test_other_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
