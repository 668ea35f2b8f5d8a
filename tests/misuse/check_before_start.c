// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* in a slot of 64 bytes was written past its end: the slot's last bytes
// signal: ABRT
#include <stdlib.h>

/* What stands before a block is the end of another. */
int main(void) {
    char *p[32];
    for (int i = 0; i < 32; i++)
        p[i] = malloc(40);
    for (int i = 1; i < 32; i++)
        p[i][-1] = 1;
    for (int i = 0; i < 32; i++)
        free(p[i]);
    return 0;
}
