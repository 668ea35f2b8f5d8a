// expect: heaptap: double free of 0x* (object of 4096 bytes)
// signal: ABRT
#include <stdlib.h>

int main(void) {
    void *p = aligned_alloc(4096, 100);
    free(p);
    free(p);
    return 0;
}
