// with: HEAPTAP_CHECK=1
// expect: heaptap: double free of 0x* (object of 64 bytes)
// signal: ABRT
#include <stdlib.h>
#include <string.h>

/* What was written in between hides that the slot is free, but not its mark. */
int main(void) {
    char *volatile p = malloc(40), *volatile q = malloc(40);
    free(p);
    memset(p, 'x', 40);
    free(p);
    return q == NULL;
}
