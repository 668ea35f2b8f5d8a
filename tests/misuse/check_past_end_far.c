// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* in a slot of 64 bytes was written past its end: the slot's last bytes
// signal: ABRT
#include <stdlib.h>
#include <string.h>

/* So far that what was asked for is not known any more. */
int main(void) {
    char *volatile p = malloc(40);
    memset(p, 'x', 64);
    free(p);
    return 0;
}
