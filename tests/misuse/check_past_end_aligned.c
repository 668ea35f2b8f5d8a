// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* of 200 bytes was written past its end: byte 207
// signal: ABRT
#include <stdlib.h>

int main(void) {
    volatile char *p = aligned_alloc(256, 200);
    p[207] = 0;
    p = realloc((void *)p, 300);
    return 0;
}
