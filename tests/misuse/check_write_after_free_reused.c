// with: HEAPTAP_CHECK=1
// expect: heaptap: free object 0x* of 64 bytes was written to: byte 24
// signal: ABRT
#include <stdlib.h>
#include <unistd.h>

/* Found where the object's rest is over, long before the heap is looked over. */
int main(void) {
    volatile char *p = malloc(40);
    free((void *)p);
    p[24] = 1;
    for (int i = 0; i < 2000; i++)
        free(malloc(40));
    _exit(0);
}
