// expect: heaptap: free of invalid pointer 0x*: inside an object of 4096 bytes
// signal: ABRT
#include <stdlib.h>

/* Aligned by hand what was aligned already, and freed what came of it. */
int main(void) {
    char *p = aligned_alloc(4096, 3000);
    free(p + 64);
    return 0;
}
