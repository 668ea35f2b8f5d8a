/* The subject of labels.sh. Allocates known amounts under labels, in named threads, at known ages, with a known
 * high-water mark, and counts its work. Writes profiles named by its argument: heap, ages and peak. */
#define HEAPTAP_WEAK
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heaptap.h"

static void *volatile keep[1000];
static int kept;

__attribute__((noinline)) static void allocate(size_t size, int count) {
    for (int i = 0; i < count; i++)
        keep[kept++] = malloc(size);
}

static void must(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "labelled: %s\n", what);
        exit(1);
    }
}

static void *worker(void *name) {
    pthread_setname_np(pthread_self(), name);
    must(heaptap_label_set("thread", "mine") == (getenv("NAMES") ? -22 : 0), "the key of the thread's name");
    heaptap_label_set("thread", NULL);
    allocate(128, 5); /* no label: a new thread has none */
    must(heaptap_label_set("tenant", "blue") == 0, "label in a thread");
    allocate(256, 3);
    pthread_setname_np(pthread_self(), "renamed");
    allocate(256, 2);
    return NULL;
}

static void write_profile(const char *folder, const char *name, unsigned kind) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.pb.gz", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    must(fd >= 0 && heaptap_write_profile(fd, kind) == 0, "cannot write");
    close(fd);
}

int main(int argc, char **argv) {
    pthread_t thread;
    must(argc == 2 && heaptap_version != NULL, "usage: labelled FOLDER, preloaded");
    allocate(1024, 10);
    must(heaptap_label_set("tenant", "red") == 0 && heaptap_label_set("kind", "Größe \"1\"") == 0, "label");
    allocate(1024, 20);
    must(heaptap_label_set("kind", NULL) == 0, "label away");
    allocate(1024, 30);
    must(heaptap_label_set("tenant", NULL) == 0, "all labels away");
    must(heaptap_label_set("bytes", "1") == -22 && heaptap_label_set("age", "1") == -22, "own keys");
    must(heaptap_label_set("", "1") == -22 && heaptap_label_set(NULL, "1") == -22, "no key");
    allocate(1024, 40);
    pthread_create(&thread, NULL, worker, "worker-7");
    pthread_join(thread, NULL);

    heaptap_work_add("requests", 40);
    heaptap_work_add("requests", 2);
    heaptap_work_add("not a name", 1);

    void *summit[100];
    for (int i = 0; i < 100; i++)
        summit[i] = malloc(4096);
    for (int i = 0; i < 100; i++)
        free(summit[i]);
    sleep(2);
    allocate(512, 7);
    write_profile(argv[1], "heap", HEAPTAP_HEAP);
    write_profile(argv[1], "ages", HEAPTAP_HEAP | HEAPTAP_AGES);
    write_profile(argv[1], "peak", HEAPTAP_PEAK);
    must(heaptap_write_profile(1, HEAPTAP_PEAK | HEAPTAP_AGES) == -22, "a peak has no ages");
    must(heaptap_write_profile(1, 77) == -22, "an unknown kind");
    return 0;
}
