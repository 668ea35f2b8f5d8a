/* A library goes, and before the profiler knows of it another one is at its place, loaded by another thread which
 * allocates there. The moment is found by unwind_window_shim.c: the profiler asks for the list of objects right after.
 * Arguments: the two libraries. Prints whether the second came to the place of the first, and where the code is that
 * allocated in that moment, and later. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *maker(size_t size);

static sem_t go, done;
static maker *of_first, *of_second;
static const char *second_path;
static bool is_armed;

#define PLAIN        __attribute__((noinline, noclone))
#define NO_TAIL_CALL __asm__ volatile("" ::: "memory")

PLAIN static void use_first(maker *make) {
    for (int i = 0; i < 20; i++)
        free(make(100));
    NO_TAIL_CALL;
}

PLAIN static void use_in_window(maker *make) {
    for (int i = 0; i < 20; i++)
        free(make(100));
    NO_TAIL_CALL;
}

PLAIN static void use_later(maker *make) {
    for (int i = 0; i < 20; i++)
        free(make(100));
    NO_TAIL_CALL;
}

static void *other_thread(void *unused) {
    sem_wait(&go);
    void *library = dlopen(second_path, RTLD_NOW);
    of_second = (maker *)dlsym(library, "plugin_make");
    use_in_window(of_second);
    sem_post(&done);
    sem_wait(&go);
    use_later(of_second);
    return unused;
}

/* Called by the shim before it answers. */
void unwind_window(void) {
    Dl_info info;
    if (!is_armed || dladdr((void *)of_first, &info))
        return;
    is_armed = false;
    sem_post(&go);
    sem_wait(&done);
}

int main(int argc, char **argv) {
    pthread_t thread;
    (void)argc;
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    second_path = argv[2];
    pthread_create(&thread, NULL, other_thread, NULL);
    void *library = dlopen(argv[1], RTLD_NOW);
    of_first = (maker *)dlsym(library, "plugin_make");
    use_first(of_first);
    is_armed = true;
    dlclose(library);
    bool was_there = !is_armed;
    sem_post(&go);
    pthread_join(thread, NULL);
    printf("%d %d %p %p %p\n", was_there, of_first == of_second, (void *)use_first, (void *)use_in_window,
           (void *)use_later);
    return 0;
}
