// expect: heaptap: free of invalid pointer 0x*: inside an object of 106496 bytes
// signal: ABRT
#include <stdlib.h>

int main(void) {
    char *p = aligned_alloc(1 << 16, 100000);
    free(p + (1 << 16));
    return 0;
}
