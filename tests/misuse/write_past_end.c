// expect: heaptap: free object 0x* of 32 bytes was written to: its link is broken
// signal: ABRT
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *p[64];
    for (int i = 0; i < 64; i++)
        p[i] = malloc(32);
    for (int i = 1; i < 64; i += 2)
        free(p[i]);
    for (int i = 0; i < 64; i += 2)
        memset(p[i], '-', 32 + 8);
    for (int i = 0; i < 1000; i++)
        p[i % 64] = malloc(32);
    return p[63] == NULL;
}
