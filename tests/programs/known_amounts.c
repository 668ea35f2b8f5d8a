/* Allocates known amounts for the statistics: argument `one`, `mixed` or `rates`. Frees half of them. */
#define HEAPTAP_WEAK
#include <stdlib.h>
#include <string.h>

#include "heaptap.h"

static void *volatile sink;

/* `count` objects of `size` bytes; every second one is freed. */
static void make(size_t size, int count) {
    for (int i = 0; i < count; i++) {
        sink = malloc(size);
        if (i % 2)
            free(sink);
    }
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "one";
    if (!heaptap_set_mem_profile_rate)
        return 1;
    if (strcmp(mode, "one") == 0) {
        make(1024, 16384);
    } else if (strcmp(mode, "mixed") == 0) {
        static const size_t sizes[] = {16, 4096, 65536};
        static const int counts[] = {100000, 2000, 100};
        for (int i = 0; i < 3; i++)
            make(sizes[i], counts[i]);
    } else {
        static const size_t rates[] = {65536, 512 * 1024, 1, 16384};
        for (int i = 0; i < 4; i++) {
            heaptap_set_mem_profile_rate(rates[i]);
            make(512, 8192);
        }
    }
    return 0;
}
