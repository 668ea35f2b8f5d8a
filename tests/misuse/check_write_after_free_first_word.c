// with: HEAPTAP_CHECK=1
// expect: heaptap: free object 0x* of 64 bytes was written to: byte 0
// signal: ABRT
#include <stdlib.h>

int main(void) {
    volatile long *p = malloc(40);
    free((void *)p);
    *p = 1;
    for (int i = 0; i < 2000; i++)
        free(malloc(40));
    return 0;
}
