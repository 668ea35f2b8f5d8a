// with: HEAPTAP_CHECK=1
// expect: heaptap: free object 0x* of 64 bytes was written to: byte 17
// signal: ABRT
#include <stdlib.h>

/* Behind the link, which alone is checked always. Found when the program ends. */
int main(void) {
    volatile char *p = malloc(40);
    free((void *)p);
    p[17] = 1;
    return 0;
}
