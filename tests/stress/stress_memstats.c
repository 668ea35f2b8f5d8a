/* The memstats of a real process: their equations while eight threads allocate, pass on, resize and end, while memory
 * is returned and the rate of sampling changes; and at rest, that mallinfo, malloc_info and malloc_stats say the same.
 */
#define HEAPTAP_WEAK
#include "include/heaptap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/stress/block.h"
#include "tests/support/memstats_check.h"

enum { THREADS = 8, BOXES = 512 };

static _Atomic(struct block *) boxes[BOXES];
static _Atomic int stop;
static _Atomic unsigned long readings;

static void *pass_on(void *number) {
    uint64_t state = 88172645463325252u + (uint64_t)(uintptr_t)number * 7919;
    for (int i = 0; i < 5000 && !stop; i++) {
        struct block *block = atomic_exchange(&boxes[stress_random(&state) % BOXES], NULL);
        block = !block || state % 3 == 0 ? (block_free(block), block_new(&state)) : block_resize(block, &state);
        block_free(atomic_exchange(&boxes[(state >> 32) % BOXES], block));
    }
    return NULL;
}

/* A thread after another, so that caches are given up and taken over. */
static void *begin_and_end(void *number) {
    for (uintptr_t i = 0; !stop; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, pass_on, (void *)((uintptr_t)number + i * THREADS)) == 0);
        pthread_join(thread, NULL);
    }
    return NULL;
}

static void *watch(void *unused) {
    static _Thread_local struct heaptap_memstats two[2];
    (void)unused;
    for (unsigned long i = 0; !stop; i++) {
        heaptap_read_memstats(&two[i % 2]);
        const char *broken = memstats_broken(&two[i % 2], &two[(i + 1) % 2]);
        if (broken)
            fprintf(stderr, "broken in reading %lu: %s\n", i, broken);
        EXPECT(!broken);
        readings++;
    }
    return NULL;
}

/* In a child of all these threads, which vanished in whatever they did: it frees what they left and makes its own. */
static int child_is_whole(void) {
    static struct heaptap_memstats two[2];
    uint64_t state = 362436069;
    for (int i = 0; i < 200; i++) {
        heaptap_read_memstats(&two[i % 2]);
        const char *broken = memstats_broken(&two[i % 2], &two[(i + 1) % 2]);
        if (broken)
            fprintf(stderr, "broken in reading %d of a child: %s\n", i, broken);
        if (broken)
            return 0;
        for (int k = 0; k < 10; k++)
            free(atomic_exchange(&boxes[stress_random(&state) % BOXES], k % 2 ? NULL : block_new(&state)));
    }
    return 1;
}

static void fork_a_child(void) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_is_whole() ? 0 : 1);
    EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void run_until(double end) {
    pthread_t threads[THREADS], watchers[2];
    struct timespec moment = {0, 20000000};
    size_t rate = heaptap_mem_profile_rate();
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, begin_and_end, (void *)i) == 0);
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_create(&watchers[i], NULL, watch, NULL) == 0);
    for (int i = 0; stress_now() < end; i++) {
        nanosleep(&moment, NULL);
        if (i % 10 == 5)
            heaptap_free_os_memory();
        if (i % 10 == 0)
            fork_a_child();
        heaptap_set_mem_profile_rate(i % 4 ? rate : rate / 3 + 1);
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(watchers[i], NULL);
    for (int i = 0; i < BOXES; i++)
        block_free(atomic_exchange(&boxes[i], NULL));
}

static void check_mallinfo(void) {
    struct heaptap_memstats stats;
    heaptap_read_memstats(&stats);
    struct mallinfo2 info = mallinfo2();
    EXPECT(info.uordblks == stats.heap_alloc && info.ordblks == stats.heap_objects);
    EXPECT(info.arena == stats.heap_sys - stats.heap_released);
    EXPECT(info.fordblks == info.arena - info.uordblks);
    EXPECT(info.keepcost == stats.heap_idle - stats.heap_released);
}

/* The number behind `name` from `text` on. */
static unsigned long number_after(const char *text, const char *name) {
    const char *at = text ? strstr(text, name) : NULL;
    EXPECT(at != NULL);
    return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static void check_malloc_info(void) {
    static char text[1 << 16];
    struct heaptap_memstats stats;
    FILE *stream = fmemopen(text, sizeof text, "w");
    heaptap_read_memstats(&stats);
    EXPECT(malloc_info(0, stream) == 0);
    fclose(stream);
    const char *at = text;
    for (uint32_t i = 1; i < stats.size_class_count; i++) {
        const struct heaptap_memstats_class *class = &stats.by_size[i];
        if (class->mallocs == 0)
            continue;
        at = strstr(at, "<size ");
        EXPECT(number_after(at, " to=\"") == class->size);
        EXPECT(number_after(at, " count=\"") == class->mallocs - class->frees);
        EXPECT(number_after(at, " total=\"") == (class->mallocs - class->frees) * class->size);
        if (!at)
            return;
        at++;
    }
    EXPECT(strstr(at, "<size ") == NULL);
    EXPECT(number_after(at, "<system type=\"current\" size=\"") == stats.heap_sys - stats.heap_released);
    EXPECT(number_after(at, "<aspace type=\"total\" size=\"") == stats.heap_sys);
}

static void check_malloc_stats(void) {
    char text[1000] = "";
    int pipe_ends[2], kept = dup(2);
    struct heaptap_memstats stats;
    EXPECT(pipe(pipe_ends) == 0);
    dup2(pipe_ends[1], 2);
    heaptap_read_memstats(&stats);
    malloc_stats();
    dup2(kept, 2);
    EXPECT(read(pipe_ends[0], text, sizeof text - 1) > 0);
    EXPECT(number_after(text, "in use ") == stats.heap_alloc && number_after(text, "bytes in ") == stats.heap_objects);
    EXPECT(number_after(text, "; heap ") == stats.heap_sys && number_after(text, "idle ") == stats.heap_idle);
    EXPECT(number_after(text, "released ") == stats.heap_released);
    EXPECT(number_after(text, "metadata ") == stats.metadata - stats.buck_hash_sys);
}

/* Half of what every slot has is asked for, where every object is sampled. */
static void check_requested(void) {
    enum { OBJECTS = 4000 };
    static void *objects[OBJECTS];
    struct heaptap_memstats before, after;
    heaptap_read_memstats(&before);
    for (int i = 0; i < OBJECTS; i++)
        objects[i] = aligned_alloc(4096, 2048);
    heaptap_read_memstats(&after);
    double slots = (double)(after.heap_alloc - before.heap_alloc), asked = (double)after.heap_requested;
    EXPECT(slots >= OBJECTS * 4096.0 && slots < OBJECTS * 4096.0 + 4096); /* the first sample may allocate */
    if (heaptap_mem_profile_rate() == 1)
        EXPECT(asked >= 0.5 * slots && asked <= 0.5 * slots + (double)before.heap_alloc);
    for (int i = 0; i < OBJECTS; i++)
        free(objects[i]);
}

int main(int argc, char **argv) {
    double end = stress_deadline(argc, argv);
    if (heaptap_read_memstats) {
        size_t rate = heaptap_mem_profile_rate();
        check_requested();
        run_until(end);
        heaptap_set_mem_profile_rate(rate);
        heaptap_free_os_memory();
        check_mallinfo();
        check_malloc_info();
        check_malloc_stats();
        EXPECT(readings > 50);
    }
    return expect_report();
}
