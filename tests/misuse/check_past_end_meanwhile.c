// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* of 100 bytes was written past its end: byte 103
// signal: ABRT
#include <stdlib.h>
#include <unistd.h>

/* The block is never freed and the program does not end: the heap is looked over now and then. */
int main(void) {
    volatile char *p = malloc(100);
    p[103] = 0;
    for (long i = 0; i < 10000000; i++)
        free(malloc(10));
    _exit(0);
}
