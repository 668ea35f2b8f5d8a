/* Readable, forbidden, absent and impossible addresses. */
#include "profiler/probe.h"

#include <sys/mman.h>

#include "base/os.h"
#include "tests/support/unit.h"

static void test_pages(void **state) {
    size_t page = os_page_size();
    char *map = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
    assert_true(probe_can_read((uintptr_t)map));
    assert_true(probe_can_read((uintptr_t)map + page - 1));
    assert_false(probe_can_read((uintptr_t)map + page));
    munmap(map, 2 * page);
    assert_false(probe_can_read((uintptr_t)map));
    assert_true(probe_can_read((uintptr_t)&map));
    assert_true(probe_can_read((uintptr_t)&test_pages));
}

static void test_impossible(void **state) {
    (void)state;
    assert_false(probe_can_read(0));
    assert_false(probe_can_read(100));
    assert_false(probe_can_read((uintptr_t)1 << 63));
    assert_false(probe_can_read(UINTPTR_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_impossible)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
