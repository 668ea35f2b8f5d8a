/* Memory that comes back to the system. Each mode prints what it measured and fails by itself.
 *   background   200 MiB of live blocks are dropped, 20 MiB stay: resident memory falls by itself in ten seconds
 *   forced       the same, and heaptap_free_os_memory at once returns at least 95% of what was dropped
 *   limit        40 MiB live under a soft limit of 64 MiB, churned: resident memory of the heap stays below it
 *   quiet        a short program that frees little has no thread but its own */
#define HEAPTAP_WEAK
#include <dirent.h>
#include <heaptap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, BLOCK = 4000, DROPPED_MIB = 200, KEPT_MIB = 20, WAIT_SECONDS = 10 };

static long resident(void) {
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
        exit(99);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static int threads(void) {
    int count = -2; /* . and .. */
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void **fill(size_t mib) {
    size_t count = mib * MIB / BLOCK;
    void **blocks = malloc((count + 1) * sizeof *blocks);
    for (size_t i = 0; i < count; i++)
        memset(blocks[i] = malloc(BLOCK), 1, BLOCK);
    blocks[count] = NULL;
    return blocks;
}

static void drop(void **blocks) {
    for (size_t i = 0; blocks[i]; i++)
        free(blocks[i]);
    free(blocks);
}

static int background(void) {
    long before = resident();
    void **kept = fill(KEPT_MIB), **dropped = fill(DROPPED_MIB);
    long live = (resident() - before) * KEPT_MIB / (KEPT_MIB + DROPPED_MIB);
    drop(dropped);
    long goal = before + live + live / 10, most = goal + goal * 15 / 100, now = 0;
    int second = 0;
    while (second < WAIT_SECONDS && (now = resident()) > most) {
        sleep(1);
        second++;
    }
    printf("resident %ld KiB after %d s; goal %ld KiB, allowed %ld KiB\n", now >> 10, second, goal >> 10, most >> 10);
    drop(kept);
    return now > most;
}

static int forced(void) {
    void **kept = fill(KEPT_MIB), **dropped = fill(DROPPED_MIB);
    long before = resident();
    drop(dropped);
    size_t returned = heaptap_free_os_memory();
    long fell = before - resident(), wanted = (long)DROPPED_MIB * MIB / 100 * 95;
    printf("returned %zu KiB, resident fell by %ld KiB, wanted %ld KiB\n", returned >> 10, fell >> 10, wanted >> 10);
    drop(kept);
    return fell < wanted;
}

/* Blocks of changing sizes replace each other, 40 MiB of them live. */
static int limit(void) {
    enum { SLOTS = 2000, ROUNDS = 300000 };
    static void *slots[SLOTS];
    static size_t sizes[SLOTS];
    size_t live = 0;
    long base = resident(), most = 0;
    unsigned seed = 1;
    heaptap_set_memory_limit(64 * MIB);
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned at = (seed >> 8) % SLOTS;
        size_t size = 1000 + (seed >> 4) % (i / 1000 % 2 ? 60000 : 20000);
        live -= sizes[at];
        free(slots[at]);
        slots[at] = NULL;
        sizes[at] = 0;
        if (live + size <= 40 * MIB) {
            memset(slots[at] = malloc(size), 1, size);
            live += sizes[at] = size;
        }
        if (i % 100 == 0 && resident() - base > most)
            most = resident() - base;
    }
    printf("the heap took at most %ld KiB with %zu KiB live, limit %d KiB\n", most >> 10, live >> 10, 64 * MIB >> 10);
    return most > 64 * MIB;
}

static int quiet(void) {
    drop(fill(1));
    printf("%d threads\n", threads());
    return threads() != 1;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (!heaptap_version) {
        fprintf(stderr, "the library is not preloaded\n");
        return 99;
    }
    return strcmp(mode, "background") == 0 ? background()
           : strcmp(mode, "forced") == 0   ? forced()
           : strcmp(mode, "limit") == 0    ? limit()
                                           : quiet();
}
