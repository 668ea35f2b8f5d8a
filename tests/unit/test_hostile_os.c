/* A kernel that says no. This program's own mmap, mprotect and madvise stand before the C library's, count the calls
 * that the allocator makes, and refuse the n-th, for every n, while one long program of operations runs: every size
 * class, large objects, aligned ones, resizing, threads, sampling, returning memory. For each n, in a process of its
 * own:
 *
 *   1. The operation in which the refusal falls returns NULL with ENOMEM, or does without; what is live stays whole.
 *   2. The same operation succeeds at once when the kernel is kind again.
 *   3. At the end every page is back in the page heap, and the process holds the address space that it would hold
 * without the refusal, but for the part of a reservation that is not used yet, and for other gaps before aligned
 * blocks.
 *
 * The same again with everything refused from the n-th call on, until an operation has failed; and with the next calls
 * of the same kind refused, so that what one refusal leaks is leaked often. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc/malloc.h"
#include "alloc/memstats.h"
#include "alloc/page_heap.h"
#include "alloc/scavenger.h"
#include "alloc/thread.h"
#include "alloc/validate.h"
#include "alloc/hook.h"
#include "base/atomic.h"
#include "base/check.h"
#include "tests/support/child.h"
#include "tests/support/sanitized.h"
#include "tests/support/unit.h"

/* ---- the kernel ---- */

enum { MAPPED_SLACK = 81 << 20, REPEATED = 25, TRIES = REPEATED + 2 };

enum refused { REFUSE_NONE, REFUSE_ONE, REFUSE_ALL, REFUSE_KIND };
enum call { CALL_NONE, CALL_MMAP, CALL_MPROTECT, CALL_MADVISE };

static struct {
    enum refused who;
    int64_t from;      /* the number of the first call that fails */
    _Atomic int kind;  /* enum call, of that call */
    _Atomic int count; /* refusals so far */
    _Atomic int64_t calls, mapped_bytes;
} kernel;

static bool is_refused(enum call call) {
    int64_t number = atomic_add_relaxed(&kernel.calls, 1);
    if (kernel.who == REFUSE_NONE || number < kernel.from)
        return false;
    if (number == kernel.from)
        atomic_store_relaxed(&kernel.kind, call);
    return kernel.who == REFUSE_ONE   ? number == kernel.from
           : kernel.who == REFUSE_ALL ? true
                                      : call == (enum call)kernel.kind && kernel.count < REPEATED;
}

static bool refuse(enum call call) {
    if (!is_refused(call))
        return false;
    atomic_add_relaxed(&kernel.count, 1);
    errno = ENOMEM;
    return true;
}

void *mmap(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
    if (refuse(CALL_MMAP))
        return MAP_FAILED;
    long result = syscall(SYS_mmap, hint, size, protection, flags, fd, offset);
    if (result != -1 && !(flags & MAP_FIXED))
        atomic_add_relaxed(&kernel.mapped_bytes, (int64_t)size);
    return (void *)result;
}

int munmap(void *p, size_t size) {
    atomic_sub_relaxed(&kernel.mapped_bytes, (int64_t)size);
    return (int)syscall(SYS_munmap, p, size);
}

int mprotect(void *p, size_t size, int protection) {
    return refuse(CALL_MPROTECT) ? -1 : (int)syscall(SYS_mprotect, p, size, protection);
}

int madvise(void *p, size_t size, int advice) {
    return refuse(CALL_MADVISE) ? -1 : (int)syscall(SYS_madvise, p, size, advice);
}

/* ---- sampling: every third object ---- */

static _Atomic int64_t recorded, forgotten;

static uint64_t draw(size_t slot_size, uint64_t *rate) {
    *rate = slot_size;
    return slot_size > SIZE_CLASS_MAX ? 1 : 3;
}

static bool record(void *object, size_t requested, size_t slot_size, uint64_t rate) {
    CHECK(object && requested <= slot_size && rate);
    atomic_add_relaxed(&recorded, 1);
    return true;
}

static void forget(void *object, size_t slot_size) {
    CHECK(object && slot_size);
    atomic_add_relaxed(&forgotten, 1);
}

static const struct heap_hook hook = {draw, record, forget};

/* ---- objects that know what they hold ---- */

enum { OBJECTS = 40000, EDGE = 64 };

static struct object {
    unsigned char *p;
    size_t size;
} objects[OBJECTS];
static int object_count;

static void fill(struct object *object) {
    size_t edge = object->size < EDGE ? object->size : EDGE;
    memset(object->p, (int)(object - objects), edge);
    memset(object->p + object->size - edge, (int)(object - objects), edge);
}

static void check(const struct object *object, size_t size) {
    for (size_t i = 0; i < EDGE && i < size; i++)
        CHECK(object->p[i] == (unsigned char)(object - objects));
    for (size_t i = size > EDGE ? size - EDGE : 0; i < size && size == object->size; i++)
        CHECK(object->p[i] == (unsigned char)(object - objects));
}

/* After a refusal that showed: all is whole. */
static void survive(void) {
    CHECK(errno == ENOMEM && kernel.count > 0);
    for (int i = 0; i < object_count; i++)
        check(&objects[i], objects[i].size);
    validate_heap();
    if (kernel.who == REFUSE_ALL)
        kernel.who = REFUSE_NONE;
    errno = 0;
}

/* The value of `call`, which is tried again while it is NULL: as often as there may be refusals, and no more. */
#define INSIST(call)                                                                                                   \
    ({                                                                                                                 \
        void *result_ = NULL;                                                                                          \
        for (int tries_ = 0; !result_ && tries_ < TRIES; tries_++) {                                                   \
            errno = 0;                                                                                                 \
            result_ = (call);                                                                                          \
            if (!result_)                                                                                              \
                survive();                                                                                             \
            CHECK(result_ || tries_ == 0 || kernel.who == REFUSE_KIND);                                                \
        }                                                                                                              \
        CHECK(result_);                                                                                                \
        result_;                                                                                                       \
    })

static void keep(void *p, size_t size) {
    CHECK(object_count < OBJECTS);
    objects[object_count] = (struct object){p, size};
    fill(&objects[object_count++]);
}

static void free_all(void) {
    while (object_count) {
        struct object *object = &objects[--object_count];
        check(object, object->size);
        heap_free(object->p);
    }
}

/* ---- the operations ---- */

static void every_class(void) {
    for (unsigned i = 1; i < SIZE_CLASS_COUNT; i++)
        for (int k = 0; k < 5; k++)
            keep(INSIST(heap_malloc(size_classes[i].size)), size_classes[i].size);
}

static void zeroed(size_t size) {
    unsigned char *p = INSIST(heap_calloc(1, size));
    for (size_t i = 0; i < size; i += size < 10000 ? 1 : 509)
        CHECK(p[i] == 0);
    keep(p, size);
}

static void large(void) {
    static const size_t sizes[] = {40000, 1 << 20, 3 << 20, 70 << 20};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        keep(INSIST(heap_malloc(sizes[i])), sizes[i]);
        zeroed(sizes[i] / 2 + 5);
    }
}

static void aligned(void) {
    for (size_t align = 16; align <= 8 << 20; align *= 2)
        for (size_t size = 100; size < 200000; size *= 40) {
            void *p = INSIST(heap_memalign(align, size));
            CHECK((uintptr_t)p % align == 0);
            keep(p, size);
        }
}

/* A resize that fails leaves the object as it was. */
static void resize(void) {
    static const size_t sizes[] = {24, 200, 9000, 50000, 5 << 20, 90 << 20, 60000, 300, 8};
    keep(INSIST(heap_malloc(1)), 1);
    struct object *object = &objects[object_count - 1];
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t kept = object->size < sizes[i] ? object->size : sizes[i];
        object->p = INSIST(heap_realloc(object->p, sizes[i]));
        check(object, kept < EDGE ? kept : EDGE);
        object->size = sizes[i];
        fill(object);
    }
}

/* Enough spans to need more than one block of span structures and of sample bitmaps. */
static void many(void) {
    for (int i = 0; i < 9000; i++)
        keep(INSIST(heap_malloc(2048)), 2048);
    for (int i = 0; i < 20000; i++)
        keep(INSIST(heap_malloc(16)), 16);
}

static void operations(void) {
    every_class();
    for (size_t size = 8; size < 32768; size *= 3)
        zeroed(size);
    large();
    aligned();
    resize();
    many();
}

static void *other_thread(void *unused) {
    every_class();
    return unused;
}

static void start_and_join(void *(*body)(void *)) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Twice: from nothing, and with pages and structures that were used and given back before. */
static void *run(void *unused) {
    operations();
    start_and_join(other_thread);
    free_all();
    scavenger_release_all();
    operations();
    free_all();
    scavenger_release_all();
    return unused;
}

struct trial {
    enum refused who;
    int64_t from;
    int64_t mapped_most; /* of a run without refusals, and slack */
    int report;          /* a pipe */
};

struct outcome {
    int64_t calls, mapped;
};

static void try_one(void *trial_pointer) {
    const struct trial *trial = trial_pointer;
    struct page_heap_stats stats;
    heap_hook_install(&hook);
    kernel.who = trial->who;
    kernel.from = trial->from;
    kernel.calls = kernel.mapped_bytes = 0;
    /* The threads end and leave nothing behind in their caches. */
    start_and_join(run);
    struct outcome outcome = {kernel.calls, kernel.mapped_bytes};
    CHECK(trial->who == REFUSE_NONE || kernel.count > 0);
    struct validate_result result = validate_heap();
    page_heap_read_stats(&stats);
    CHECK(result.spans == 0 && stats.inuse_bytes == 0);
    CHECK(recorded == forgotten && recorded > 0);
    CHECK(outcome.mapped <= trial->mapped_most);
    CHECK(write(trial->report, &outcome, sizeof outcome) == sizeof outcome);
}

static struct outcome run_trial(enum refused who, int64_t from, int64_t mapped_most) {
    int ends[2];
    struct outcome outcome = {0, 0};
    struct child_result result;
    assert_int_equal(pipe(ends), 0);
    struct trial trial = {who, from, mapped_most, ends[1]};
    child_run(try_one, &trial, &result);
    close(ends[1]);
    if (!child_exited(&result, 0) || read(ends[0], &outcome, sizeof outcome) != sizeof outcome)
        fail_msg("refused by rule %d from call %lld on: status %x, %s", who, (long long)from, result.status,
                 result.error_text);
    close(ends[0]);
    return outcome;
}

static void run_trials(enum refused who) {
    struct outcome kind = run_trial(REFUSE_NONE, 0, INT64_MAX);
    assert_true(kind.calls > 50);
    for (int64_t n = 0; n < kind.calls; n += SANITIZED_STRIDE)
        run_trial(who, n, kind.mapped + MAPPED_SLACK);
    print_message("%lld calls, %lld MiB mapped at the end\n", (long long)kind.calls, (long long)kind.mapped >> 20);
}

static void test_each_call_fails(void **state) {
    (void)state;
    run_trials(REFUSE_ONE);
}

static void test_all_calls_fail_from_one_on(void **state) {
    (void)state;
    run_trials(REFUSE_ALL);
}

static void test_calls_of_a_kind_fail_again_and_again(void **state) {
    (void)state;
    run_trials(REFUSE_KIND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_fails),
        cmocka_unit_test(test_all_calls_fail_from_one_on),
        cmocka_unit_test(test_calls_of_a_kind_fail_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
