// expect: heaptap: free object 0x* of 48 bytes was written to: its link is broken
// signal: ABRT
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *kept = malloc(40), *p = malloc(40);
    free(p);
    memset(p, 'A', 40);
    for (int i = 0; i < 1000; i++) /* the freed object comes back some allocations later */
        kept = malloc(40);
    return kept == NULL;
}
