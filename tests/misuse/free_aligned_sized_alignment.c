// expect: heaptap: sized free of 0x*: size 100 does not belong to an object of 128 bytes
// signal: ABRT
#include <stdlib.h>

void free_aligned_sized(void *p, size_t align, size_t size) __attribute__((weak));

/* The size is right and the alignment is not: such a request gets a slot of 512 bytes. */
int main(void) {
    void *volatile p = aligned_alloc(64, 100);
    free_aligned_sized(p, 512, 100);
    return 0;
}
