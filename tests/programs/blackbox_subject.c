/* What blackbox.py runs and kills. The first argument is what to do; when it is ready it says so on standard output.
 *
 *   load FILE       four threads allocate and free from stacks of many depths; each counts in FILE before and after
 *   forking FILE    the same, and a child every few milliseconds that allocates and leaves by _exit
 *   dumped FILE     the same for a while; then nothing moves any more and a profile is written to FILE
 *   grow FILE       allocates and touches memory without end, counted in FILE
 *   fork FILE DIR   parent and child both go on; each writes a profile into DIR and stays
 *   forks           children end by exit, by _exit, by exec
 *   plugin LIB      allocates in a library that it loads and unloads
 *   dump-many FILE  thirty thousand stacks and a profile of them
 *   old-kernel CMD  runs it where MADV_POPULATE_WRITE is not known
 *   once            ends at once */
#define HEAPTAP_WEAK
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heaptap.h"

enum { THREADS = 4, KEPT = 500, DEPTHS = 12 };

struct progress {
    _Atomic unsigned long alloc_begun, alloc_done, free_begun, free_done;
    char padding[32];
};

static struct progress *progress;
static _Atomic int stopping;

static struct progress *map_progress(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        abort();
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p;
}

/* Each thread has a size of its own, that of a slot, which nothing else here has. */
static size_t size_of(long thread) { return thread < 3 ? 1024 * (size_t)(thread + 1) : 6144; }

__attribute__((noinline)) static void *allocate_deep(int depth, size_t size) {
    void *volatile p = depth ? allocate_deep(depth - 1, size) : malloc(size);
    return p;
}

static void *load(void *argument) {
    long thread = (long)argument;
    struct progress *own = &progress[thread];
    void *kept[KEPT] = {NULL};
    unsigned seed = (unsigned)thread;
    char name[16];
    for (unsigned long i = 0; !stopping; i++) {
        unsigned at = (unsigned)rand_r(&seed) % KEPT;
        if (i % 64 == 0 && heaptap_label_set) {
            snprintf(name, sizeof name, "%lu", i / 64 % 8);
            heaptap_label_set("round", name);
        }
        if (kept[at]) {
            own->free_begun++;
            free(kept[at]);
            own->free_done++;
            kept[at] = NULL;
        }
        own->alloc_begun++;
        kept[at] = allocate_deep(rand_r(&seed) % DEPTHS, size_of(thread));
        own->alloc_done++;
    }
    return NULL;
}

static void say(const char *word) {
    printf("%s\n", word);
    fflush(stdout);
}

/* Until it is killed, which a test that failed does not do. */
static void stay(void) {
    alarm(60);
    for (;;)
        pause();
}

static void run_load(pthread_t *threads) {
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, load, (void *)i);
}

static void run_forking(void) {
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < 100; i++)
                free(allocate_deep(i % DEPTHS, 9000));
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
        usleep(2000);
    }
}

static void run_dumped(const char *path) {
    pthread_t threads[THREADS];
    progress = calloc(THREADS, sizeof *progress);
    run_load(threads);
    usleep(200000);
    stopping = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    say("stopped"); /* what stdio allocates comes before the profile */
    if (heaptap_dump(path) != 0)
        abort();
    say("ready");
    stay();
}

static void run_grow(const char *path) {
    progress = map_progress(path);
    say("ready");
    for (;;) {
        progress->alloc_begun++;
        char *p = allocate_deep(3, 128 * 1024);
        if (!p)
            abort();
        memset(p, 1, 128 * 1024);
        progress->alloc_done++;
    }
}

static void run_fork(const char *directory) {
    enum { COUNT = 2000 };
    static void *kept[COUNT];
    char path[4096];
    for (int i = 0; i < COUNT; i++)
        kept[i] = allocate_deep(i % DEPTHS, 100);
    pid_t child = fork();
    /* Both at once: the parent must not be seen in the child's tables, nor the child in the parent's. */
    for (int i = 0; i < COUNT; i++) {
        if (child == 0 || i % 2)
            free(kept[i]);
        kept[i] = allocate_deep(i % DEPTHS, child ? 3000 : 5000);
    }
    say("stopped");
    snprintf(path, sizeof path, "%s/%s.pb.gz", directory, child ? "parent" : "child");
    const char *follow = getenv("HEAPTAP_FOLLOW_FORK");
    bool has_profile = child || !follow || *follow != '0';
    if ((heaptap_dump(path) == 0) != has_profile)
        abort();
    if (child)
        printf("child %d\n", (int)child);
    say(child ? "ready" : "ready child");
    stay();
}

static void wait_for(pid_t child) {
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
}

static void run_forks(char *self) {
    pid_t child = fork();
    if (child == 0) {
        free(allocate_deep(1, 100));
        exit(0);
    }
    wait_for(child);
    child = fork();
    if (child == 0) {
        free(allocate_deep(1, 100));
        _exit(0);
    }
    wait_for(child);
    child = fork();
    if (child == 0) {
        execl(self, self, "once", (char *)NULL);
        _exit(1);
    }
    wait_for(child);
}

static void *allocate_in(const char *path, size_t size) {
    void *library = dlopen(path, RTLD_NOW);
    void *(*allocate)(size_t) = library ? (void *(*)(size_t))dlsym(library, "plugin_allocate") : NULL;
    if (!allocate || !allocate(size))
        abort();
    return library;
}

static void run_plugin(const char *path) {
    for (int i = 0; i < 3; i++)
        dlclose(allocate_in(path, 7000));
    allocate_in(path, 12000);
    usleep(1200000); /* a beat */
    say("ready");
    stay();
}

/* A stack for each path through a tree of calls. */
__attribute__((noinline)) static void *go_left(unsigned long path, int depth);
__attribute__((noinline)) static void *go_right(unsigned long path, int depth) {
    void *volatile p = !depth ? malloc(64) : path & 1 ? go_left(path >> 1, depth - 1) : go_right(path >> 1, depth - 1);
    return p;
}
static void *go_left(unsigned long path, int depth) {
    void *volatile p = !depth ? malloc(64) : path & 1 ? go_left(path >> 1, depth - 1) : go_right(path >> 1, depth - 1);
    return p;
}

static void run_many(const char *path) {
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    if (chdir("/") != 0)
        abort();
    for (unsigned long i = 0; i < 1 << 15; i++)
        free(go_left(i, 15));
    if (heaptap_dump(path) != 0)
        abort();
}

static void run_old_kernel(char **command) {
    enum { POPULATE_WRITE = 23 };
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, POPULATE_WRITE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        exit(77);
    execv(command[0], command);
    abort();
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "once";
    if (strcmp(mode, "load") == 0 || strcmp(mode, "forking") == 0) {
        pthread_t threads[THREADS];
        progress = map_progress(argv[2]);
        run_load(threads);
        say("ready");
        if (strcmp(mode, "forking") == 0)
            run_forking();
        stay();
    } else if (strcmp(mode, "dumped") == 0) {
        run_dumped(argv[2]);
    } else if (strcmp(mode, "grow") == 0) {
        run_grow(argv[2]);
    } else if (strcmp(mode, "fork") == 0) {
        run_fork(argv[2]);
    } else if (strcmp(mode, "forks") == 0) {
        run_forks(argv[0]);
    } else if (strcmp(mode, "plugin") == 0) {
        run_plugin(argv[2]);
    } else if (strcmp(mode, "old-kernel") == 0) {
        run_old_kernel(argv + 2);
    } else if (strcmp(mode, "dump-many") == 0) {
        run_many(argv[2]);
    }
    free(allocate_deep(2, 100));
    return 0;
}
