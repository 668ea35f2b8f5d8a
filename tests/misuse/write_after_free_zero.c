// expect: heaptap: free object 0x* of 48 bytes was written to: its link is broken
// signal: ABRT
#include <stdlib.h>

int main(void) {
    long *kept = malloc(40), *p = malloc(40);
    free(p);
    p[0] = 0;
    for (int i = 0; i < 1000; i++)
        kept = malloc(40);
    return kept == NULL;
}
