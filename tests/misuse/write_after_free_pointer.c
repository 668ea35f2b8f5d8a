// expect: heaptap: free object 0x* of 64 bytes was written to: its link is broken
// signal: ABRT
#include <stdlib.h>

int main(void) {
    void **kept = malloc(60), **p = malloc(60);
    void *elsewhere = malloc(5000);
    free(p);
    p[0] = elsewhere;
    for (int i = 0; i < 1000; i++)
        kept = malloc(60);
    return kept == NULL;
}
