/* Kernels with pages of 4, 16 and 64 KiB: this program's own getauxval says so, and its mmap, mprotect, munmap and
 * madvise hold the allocator to it: every address and size that they get is a multiple of that page, and so is every
 * address that they give. The heap is filled, thinned out so that pages of the heap are free next to used ones, and
 * returned; what is live must be whole, what was returned must read zero. */
#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string.h>

#include "alloc/malloc.h"
#include "alloc/page_heap.h"
#include "alloc/scavenger.h"
#include "alloc/validate.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/os.h"
#include "base/rand.h"
#include "tests/support/child.h"
#include "tests/support/unit.h"

static size_t page = 4096;
static _Atomic uint64_t returned_bytes;

/* ---- the kernel ---- */

static void check_range(const void *p, size_t size) { CHECK((uintptr_t)p % page == 0 && size % page == 0); }

unsigned long getauxval(unsigned long type) {
    static unsigned long (*real)(unsigned long);
    if (type == AT_PAGESZ)
        return page;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    return real(type);
}

static char *map(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
    return (char *)syscall(SYS_mmap, hint, size, protection, flags, fd, offset);
}

void *mmap(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
    check_range(hint, size);
    char *p = map(hint, size, protection, flags, fd, offset);
    if (p == MAP_FAILED || (uintptr_t)p % page == 0)
        return p;
    syscall(SYS_munmap, p, size);
    p = map(NULL, size + page, protection, flags, fd, offset);
    if (p == MAP_FAILED)
        return p;
    char *aligned = (char *)align_up((uintptr_t)p, page);
    if (aligned > p)
        syscall(SYS_munmap, p, aligned - p);
    if (aligned < p + page)
        syscall(SYS_munmap, aligned + size, p + page - aligned);
    return aligned;
}

int munmap(void *p, size_t size) {
    check_range(p, size);
    return (int)syscall(SYS_munmap, p, size);
}

int mprotect(void *p, size_t size, int protection) {
    check_range(p, size);
    return (int)syscall(SYS_mprotect, p, size, protection);
}

int madvise(void *p, size_t size, int advice) {
    check_range(p, size);
    if (advice == MADV_DONTNEED)
        atomic_add_relaxed(&returned_bytes, size);
    return (int)syscall(SYS_madvise, p, size, advice);
}

/* ---- the heap ---- */

enum { OBJECTS = 6000, ROUNDS = 4 };

static struct object {
    unsigned char *p;
    size_t size;
} objects[OBJECTS];

static size_t draw_size(struct rand_state *rand) {
    uint64_t kind = rand_below(rand, 10);
    return 1 + rand_below(rand, kind < 6 ? 3000 : kind < 9 ? 100000 : 600000);
}

static void check_object(int i) {
    const struct object *object = &objects[i];
    for (size_t k = 0; k < object->size; k += k % 512 ? 512 - k % 512 : 511)
        CHECK(object->p[k] == (unsigned char)(i + k / 4096));
}

static void fill_object(int i) {
    struct object *object = &objects[i];
    for (size_t k = 0; k < object->size; k += 4096)
        memset(object->p + k, (int)(i + k / 4096), object->size - k < 4096 ? object->size - k : 4096);
}

static void allocate(int i, struct rand_state *rand) {
    objects[i].size = draw_size(rand);
    if (rand_below(rand, 4)) {
        objects[i].p = heap_malloc(objects[i].size);
    } else {
        objects[i].p = heap_calloc(1, objects[i].size);
        for (size_t k = 0; k < objects[i].size; k += 61)
            CHECK(objects[i].p[k] == 0);
    }
    CHECK(objects[i].p);
    fill_object(i);
}

static void run(void *page_size) {
    struct rand_state rand;
    struct page_heap_stats stats;
    page = *(size_t *)page_size;
    rand_seed(&rand, page);
    CHECK(os_page_size() == page);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < OBJECTS; i++)
            if (!objects[i].p)
                allocate(i, &rand);
        for (int i = 0; i < OBJECTS; i++)
            if (rand_below(&rand, 3)) {
                check_object(i);
                heap_free(objects[i].p);
                objects[i].p = NULL;
            }
        uint64_t before = returned_bytes;
        scavenger_release_all();
        CHECK(returned_bytes > before);
        validate_heap();
        for (int i = 0; i < OBJECTS; i++)
            if (objects[i].p)
                check_object(i);
    }
    page_heap_read_stats(&stats);
    /* What may stay is the rest of a kernel's page that a used page of the heap lies in. */
    CHECK(stats.free_bytes <= (page > HEAP_PAGE_SIZE ? stats.inuse_bytes / HEAP_PAGE_SIZE * page : 0));
    for (int i = 0; i < OBJECTS; i++)
        heap_free(objects[i].p);
    heap_free(heap_memalign(page, 5 * page));
    scavenger_release_all();
    validate_heap();
}

static void run_with(size_t size) {
    struct child_result result;
    child_run(run, &size, &result);
    if (!child_exited(&result, 0))
        fail_msg("pages of %zu: status %x, %s", size, result.status, result.error_text);
}

static void test_4_kib(void **state) {
    (void)state;
    run_with(4 << 10);
}

static void test_16_kib(void **state) {
    (void)state;
    run_with(16 << 10);
}

static void test_64_kib(void **state) {
    (void)state;
    run_with(64 << 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_4_kib),
        cmocka_unit_test(test_16_kib),
        cmocka_unit_test(test_64_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
