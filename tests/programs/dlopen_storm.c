/* Everything at once that may make an unwinder, the loader and an allocator wait for each other: threads that load and
 * unload libraries, threads that throw, threads that allocate and free each other's objects, forks, and a signal a
 * thousand times a second to one thread after the other; the library writes profiles meanwhile, if it is told to.
 *
 * The program is two processes: the storm, and a watchdog above it. Each thread of the storm counts its rounds in
 * memory that both see. Where a count stands still for long the watchdog shows where every thread is, ends the storm
 * and fails.
 *
 * Arguments: the seconds, the libraries, which come to the same addresses with different code. STORM_PATIENCE is how
 * many seconds a thread may take for a round; STORM_STUCK=1 makes a thread hang, to see that the watchdog sees it. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOADERS = 2, THROWERS = 2, ALLOCATORS = 4, FORKERS = 1 };
enum {
    FIRST_THROWER = LOADERS,
    FIRST_ALLOCATOR = FIRST_THROWER + THROWERS,
    FIRST_FORKER = FIRST_ALLOCATOR + ALLOCATORS
};
enum { THREADS = FIRST_FORKER + FORKERS, SIGNALLER = THREADS, COUNTERS = THREADS + 1, SLOTS = 256 };

static struct shared {
    atomic_ulong rounds[COUNTERS];
    atomic_ulong signals, allocations_in_signals;
    _Atomic pid_t child; /* of the forker */
    atomic_bool done;
} * shared;

static atomic_bool stop;
static pthread_t threads[THREADS];
static char **library_paths;
static unsigned libraries;
static _Atomic(void *) exchanged[SLOTS];
static bool is_stuck;

static _Thread_local volatile sig_atomic_t may_allocate;

void storm_throw(int depth); /* storm_throw.cc */

static void handle(int number) {
    int saved = errno;
    (void)number;
    atomic_fetch_add(&shared->signals, 1);
    if (may_allocate) {
        free(malloc(200));
        atomic_fetch_add(&shared->allocations_in_signals, 1);
    }
    errno = saved;
}

/* Not inside the allocator, so that a handler may allocate. */
static void compute(unsigned rounds) {
    volatile unsigned sum = 0;
    may_allocate = 1;
    for (unsigned i = 0; i < rounds; i++)
        sum += i;
    may_allocate = 0;
}

static void load(atomic_ulong *rounds, unsigned seed) {
    void *library = dlopen(library_paths[(*rounds + seed * 7) % libraries], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        abort();
    }
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
    for (int i = 0; i < 20; i++)
        free(make((size_t)(100 + i)));
    dlclose(library);
}

static int visit(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    free(malloc(24));
    *(int *)data += info->dlpi_phnum;
    return 0;
}

static void allocate(atomic_ulong *rounds, unsigned *seed) {
    for (int i = 0; i < 200; i++) {
        *seed = *seed * 1103515245 + 12345;
        size_t size = (*seed >> 8) % 3000;
        void *p = i % 16 ? malloc(size) : i % 32 ? calloc(3, size) : aligned_alloc(64, size / 64 * 64 + 64);
        if (i % 8 == 0)
            p = realloc(p, size * 2 + 1);
        free(atomic_exchange(&exchanged[(*seed >> 20) % SLOTS], p));
    }
    if (*rounds % 64 == 0) {
        int headers = 0;
        dl_iterate_phdr(visit, &headers);
        if (!headers)
            abort();
    }
    compute(20000);
}

static void fork_one(atomic_ulong *rounds) {
    pid_t child = fork();
    int status;
    if (child == 0) {
        for (size_t i = 0; i < 100; i++)
            free(malloc(i * 50));
        if (*rounds % 4 == 0)
            storm_throw(3);
        _exit(0); /* no dlopen here: glibc leaves its own lists half changed where another thread was in it */
    }
    shared->child = child;
    while (waitpid(child, &status, 0) != child)
        if (errno != EINTR)
            abort();
    shared->child = 0;
    if (status != 0) {
        fprintf(stderr, "child: status %d\n", status);
        abort();
    }
}

static void *run(void *argument) {
    unsigned number = (unsigned)(uintptr_t)argument, seed = number * 1000 + 7;
    atomic_ulong *rounds = &shared->rounds[number];
    while (!stop) {
        if (number < FIRST_THROWER)
            load(rounds, number);
        else if (number < FIRST_ALLOCATOR)
            storm_throw((int)(*rounds % 20));
        else if (number < FIRST_FORKER)
            allocate(rounds, &seed);
        else
            fork_one(rounds);
        while (is_stuck && number == FIRST_ALLOCATOR && *rounds > 100)
            pause();
        ++*rounds;
    }
    return NULL;
}

static uint64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int storm(unsigned seconds) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct timespec pause = {0, 500000};
    uint64_t begin, due;
    sigaction(SIGUSR2, &action, NULL);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    begin = milliseconds();
    do {
        nanosleep(&pause, NULL);
        due = milliseconds() - begin;
        while (shared->rounds[SIGNALLER] < due)
            pthread_kill(threads[shared->rounds[SIGNALLER]++ % THREADS], SIGUSR2);
    } while (due < seconds * UINT64_C(1000));
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        free(exchanged[i]);
    shared->done = true;
    return 0;
}

/* The watchdog. */

static unsigned long sum_of(int first, int count) {
    unsigned long sum = 0;
    for (int i = first; i < first + count; i++)
        sum += shared->rounds[i];
    return sum;
}

static void print_file(const char *format, int pid, const char *thread) {
    char path[300], line[300];
    snprintf(path, sizeof path, format, pid, thread);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        fprintf(stderr, "    %s: %s%s", path, line, strchr(line, '\n') ? "" : "\n");
    if (file)
        fclose(file);
}

static void show_threads(pid_t pid) {
    char path[64], command[256];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (task->d_name[0] != '.') {
            print_file("/proc/%d/task/%s/wchan", pid, task->d_name);
            print_file("/proc/%d/task/%s/syscall", pid, task->d_name);
            print_file("/proc/%d/task/%s/stack", pid, task->d_name);
        }
    }
    if (tasks)
        closedir(tasks);
    snprintf(command, sizeof command,
             "env -u LD_PRELOAD gdb -nx -batch -iex 'set debuginfod enabled off' -p %d -ex 'thread apply all bt 40' "
             ">&2 2>/dev/null",
             pid);
    if (system(command) != 0)
        fprintf(stderr, "no gdb\n");
}

static int report_hang(pid_t pid, int number, unsigned seconds) {
    pid_t child = shared->child;
    fprintf(stderr, "thread %d has made no round for %u seconds\n", number, seconds);
    show_threads(pid);
    if (child) {
        fprintf(stderr, "its child %d:\n", child);
        show_threads(child);
        kill(child, SIGKILL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 3;
}

static int watch(pid_t pid, unsigned patience) {
    unsigned long seen[COUNTERS] = {0};
    unsigned still[COUNTERS] = {0};
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        sleep(1);
        for (int i = 0; i < COUNTERS; i++) {
            unsigned long now = shared->rounds[i];
            still[i] = now != seen[i] ? 0 : still[i] + 1;
            seen[i] = now;
            if (still[i] > patience)
                return report_hang(pid, i, still[i]);
        }
    }
    unsigned long loads = sum_of(0, LOADERS), throws = sum_of(FIRST_THROWER, THROWERS);
    unsigned long allocations = sum_of(FIRST_ALLOCATOR, ALLOCATORS) * 200, forks = shared->rounds[FIRST_FORKER];
    printf("%lu loads, %lu throws, %lu allocations, %lu forks, %lu signals (%lu allocated)\n", loads, throws,
           allocations, forks, shared->signals, shared->allocations_in_signals);
    if (status != 0 || !shared->done) {
        fprintf(stderr, "the storm ended with status %d\n", status);
        return 1;
    }
    return loads > 10 && throws > 100 && allocations > 1000 && forks > 2 && shared->signals > 100 ? 0 : 2;
}

int main(int argc, char **argv) {
    const char *patience = getenv("STORM_PATIENCE"), *stuck = getenv("STORM_STUCK");
    is_stuck = stuck && *stuck == '1';
    library_paths = argv + 2;
    libraries = (unsigned)argc - 2;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0)
        return storm((unsigned)atoi(argv[1]));
    return watch(pid, patience ? (unsigned)atoi(patience) : 30);
}
