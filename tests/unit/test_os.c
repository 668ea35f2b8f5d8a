/* The four states of memory, seen from outside: what reads zero, what faults, what keeps errno. */
#include "base/os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "tests/support/child.h"
#include "tests/support/unit.h"

static void read_byte(void *p) { (void)*(volatile char *)p; }
static void write_byte(void *p) { *(volatile char *)p = 1; }

/* The sanitizers catch the signal and exit by themselves: any death will do. */
static void assert_faults(void *p) {
    struct child_result result;
    child_run(read_byte, p, &result);
    assert_false(child_exited(&result, 0));
    child_run(write_byte, p, &result);
    assert_false(child_exited(&result, 0));
}

static void test_page_size(void **state) {
    (void)state;
    assert_int_equal(os_page_size(), sysconf(_SC_PAGESIZE));
    assert_int_equal(os_page_size(), os_page_size());
    assert_true(is_power_of_two(os_page_size()));
}

static void test_alloc(void **state) {
    (void)state;
    size_t page = os_page_size(), size = 3 * page - 5;
    errno = 41;
    unsigned char *p = os_alloc(size);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % page, 0);
    for (size_t i = 0; i < 3 * page; i++)
        assert_int_equal(p[i], 0);
    memset(p, 1, 3 * page);
    os_free(p, size);
    assert_int_equal(errno, 41);
    assert_faults(p);
    assert_null(os_alloc((size_t)1 << 60));
    assert_int_equal(errno, 41);
}

static void test_grow(void **state) {
    (void)state;
    size_t page = os_page_size();
    errno = 43;
    unsigned char *p = os_alloc(2 * page);
    assert_non_null(p);
    memset(p, 7, 2 * page);
    for (size_t pages = 3; pages < 3000; pages *= 3) {
        p = os_grow(p, pages == 3 ? 2 * page : pages / 3 * page, pages * page);
        assert_non_null(p);
        assert_int_equal(p[2 * page - 1], 7);
        assert_int_equal(p[2 * page], 0);
        assert_int_equal(p[pages * page - 1], 0);
    }
    assert_null(os_grow(p, 2187 * page, (size_t)1 << 60));
    assert_int_equal(errno, 43);
    assert_int_equal(p[0], 7);
    os_free(p, 2187 * page);
}

static void test_states(void **state) {
    (void)state;
    size_t page = os_page_size(), size = 16 * page;
    errno = 42;
    char *p = os_reserve(NULL, size, page);
    assert_non_null(p);
    assert_faults(p);
    assert_true(os_map(p, 8 * page));
    os_used(p, 8 * page);
    assert_int_equal(p[8 * page - 1], 0);
    assert_faults(p + 8 * page);
    memset(p, 'x', 8 * page);
    assert_true(os_unused(p, 4 * page));
    assert_int_equal(p[0], 0);
    assert_int_equal(p[4 * page - 1], 0);
    assert_int_equal(p[4 * page], 'x');
    p[0] = 'y';
    os_fault(p, 4 * page);
    assert_faults(p);
    assert_int_equal(p[4 * page], 'x');
    assert_true(os_map(p, 4 * page));
    assert_int_equal(p[0], 0);
    os_free(p, size);
    assert_int_equal(errno, 42);
}

static void test_reserve_alignment(void **state) {
    (void)state;
    errno = 43;
    for (size_t align = os_page_size(); align <= (size_t)1 << 30; align *= 4) {
        char *p = os_reserve(NULL, 64 * 1024, align);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
        assert_true(os_map(p, 64 * 1024));
        p[64 * 1024 - 1] = 1;
        os_free(p, 64 * 1024);
    }
    assert_null(os_reserve(NULL, (size_t)1 << 60, 4096));
    assert_null(os_reserve(NULL, SIZE_MAX - 65535, (size_t)1 << 22));
    assert_int_equal(errno, 43);
}

static void test_hint_is_taken_where_free(void **state) {
    (void)state;
    size_t size = (size_t)1 << 20;
    char *first = os_reserve(NULL, size, os_page_size());
    os_free(first, size);
    char *second = os_reserve(first, size, os_page_size());
    assert_ptr_equal(first, second);
    char *third = os_reserve(second, size, os_page_size());
    assert_non_null(third);
    assert_true(third + size <= second || second + size <= third);
    os_free(second, size);
    os_free(third, size);
}

/* Locked memory cannot be given back: the contents must still be there. */
static void test_locked_memory_is_kept(void **state) {
    (void)state;
    size_t page = os_page_size();
    char *p = os_alloc(page);
    /* The system call itself: sanitizers make the function do nothing. */
    if (syscall(SYS_mlock, p, page) != 0)
        skip();
    p[7] = 'k';
    errno = 44;
    assert_false(os_unused(p, page));
    assert_int_equal(errno, 44);
    assert_int_equal(p[7], 'k');
    os_free(p, page);
}

static void *thread_id(void *out) {
    *(int *)out = os_thread_id();
    return NULL;
}

static void test_clocks_and_ids(void **state) {
    (void)state;
    int64_t before = os_now(), wall = os_wall_time();
    usleep(2000);
    assert_in_range(os_now() - before, 2000000, 10000000000);
    assert_true(wall > 1600000000ll * 1000000000);
    int other = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, thread_id, &other);
    pthread_join(thread, NULL);
    assert_int_equal(os_thread_id(), getpid());
    assert_true(other != 0 && other != os_thread_id());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_size),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_reserve_alignment),
        cmocka_unit_test(test_hint_is_taken_where_free),
        cmocka_unit_test(test_locked_memory_is_kept),
        cmocka_unit_test(test_clocks_and_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
