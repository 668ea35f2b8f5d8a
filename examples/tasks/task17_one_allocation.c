/* Exercise 17: one allocation, seen. With a rate of 1 byte every allocation is recorded and stands for itself. I
 * predict of a program that calls malloc(1024) once, in keep_one:
 *
 *   exactly one object of exactly 1024 bytes at keep_one, allocated and in use; 1024 is a slot size, so nothing is lost
 *   after its free one object allocated and none in use: what was allocated stays allocated
 *   nothing of a second call that is made at rate 0, and nothing of its free
 *
 * At the usual rate of 512 KiB the same allocation would be missing from 511 profiles of 512, and be 512 objects in
 * the one where it is: right on average, and useless for one object. */
#include "examples/tasks/task_profile.h"

static TASK_NOINLINE void *keep_one(void) {
    void *p = malloc(1 * KIB);
    task_use(p);
    return p;
}

static void check(const char *when, int64_t allocated, int64_t in_use) {
    static struct task_rows rows;
    static const char *const views[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
    const int64_t predicted[] = {allocated, allocated * 1024, in_use, in_use * 1024};
    char profile[TASK_PATH_MOST];
    task_profile_write(profile);
    printf("%-12s", when);
    for (int i = 0; i < 4; i++) {
        task_heapdiff(&rows, profile, views[i], "function");
        int64_t found = task_flat_of(&rows, "keep_one");
        printf(" %s %4" PRId64 "%s", views[i], found, i < 3 ? "," : "\n");
        task_expect(found == predicted[i], "%s: %s at keep_one is %" PRId64 ", not %" PRId64, when, views[i], found,
                    predicted[i]);
    }
    unlink(profile);
}

int main(void) {
    heaptap_set_mem_profile_rate(1);
    void *p = keep_one();
    heaptap_set_mem_profile_rate(0);
    check("one malloc", 1, 1);
    free(p);
    check("its free", 1, 0);
    free(keep_one());
    check("at rate 0", 1, 0);
    return 0;
}
