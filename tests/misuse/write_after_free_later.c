// expect: heaptap: free object 0x* of 128 bytes was written to: its link is broken
// signal: ABRT
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *p[50];
    for (int i = 0; i < 50; i++)
        p[i] = malloc(128);
    for (int i = 0; i < 50; i++)
        free(p[i]);
    memset(p[7], -1, 128);
    for (int i = 0; i < 1000; i++)
        p[i % 50] = malloc(128);
    return p[49] == NULL;
}
