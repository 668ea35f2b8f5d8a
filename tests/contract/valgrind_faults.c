/* For valgrind.sh: one fault of each kind that memcheck knows, in functions that are named after it. */
#include <stdlib.h>
#include <string.h>

static volatile int sink;

static __attribute__((noinline)) void leaks(void) {
    for (int i = 0; i < 100; i++)
        memset(malloc(100), 1, 100);
}

static __attribute__((noinline)) void writes_past_end(void) {
    volatile char *p = malloc(40);
    p[40] = 1;
    free((void *)p);
}

static __attribute__((noinline)) void writes_past_large_end(void) {
    volatile char *p = malloc(100000);
    p[100000] = 1;
    free((void *)p);
}

static __attribute__((noinline)) void reads_after_free(void) {
    volatile char *p = malloc(50);
    p[20] = 1;
    free((void *)p);
    sink = p[20];
}

static __attribute__((noinline)) void uses_uninitialised(void) {
    volatile int *p = malloc(16);
    if (p[0] == 7)
        sink = 1;
    free((void *)p);
}

/* And what is right: zeroed, grown, aligned, half undefined and copied. */
static __attribute__((noinline)) void is_right(void) {
    int *zeroed = calloc(10000, 4), *volatile aligned = aligned_alloc(256, 256);
    struct {
        char byte;
        void *pointer;
    } *copied = malloc(sizeof *copied), undefined;
    undefined.byte = 1;
    memcpy(copied, &undefined, sizeof *copied);
    zeroed = realloc(zeroed, 80000);
    sink = zeroed[9999] == 0 && copied->byte == 1;
    free(zeroed);
    free(aligned);
    free(copied);
}

int main(void) {
    leaks();
    writes_past_end();
    writes_past_large_end();
    reads_after_free();
    uses_uninitialised();
    is_right();
    return 0;
}
