// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* of 100000 bytes was written past its end: byte 100000
// signal: ABRT
#include <stdlib.h>

int main(void) {
    volatile char *p = malloc(100000);
    p[100000] = 0;
    free((void *)p);
    return 0;
}
