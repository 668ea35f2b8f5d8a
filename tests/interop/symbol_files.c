/* What the tests of symbol files look up: outer_work holds a call of inlined_work that is compiled into it. */
#include <stdlib.h>
#include <string.h>

static inline __attribute__((always_inline)) char *inlined_work(size_t size) {
    char *block = malloc(size + 3);
    if (block)
        memset(block, (int)size, size);
    return block;
}

__attribute__((noinline)) char *outer_work(size_t size) {
    char *block = inlined_work(size * 5);
    if (!block)
        abort();
    return block + VARIANT;
}

int main(int argc, char **argv) {
    (void)argv;
    char *block = outer_work((size_t)argc * 1000);
    return block[0] == 'x';
}
