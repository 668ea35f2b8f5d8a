/* Allocates before any constructor of a library has run, and then looks at what early_library.c did in its
 * constructors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int early_failures;
extern void *early_first, *early_default;

static char *before_all;

static void allocate_before_all(void) {
    before_all = malloc(1000);
    memset(before_all, 7, 1000);
    free(malloc(300000));
}
__attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = allocate_before_all;

int main(void) {
    if (!before_all || before_all[999] != 7)
        return 1;
    if (!early_default || early_failures)
        return 2;
    free(before_all);
    free(early_default);
    puts("well");
    return 0;
}
