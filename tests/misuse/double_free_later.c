// expect: heaptap: double free of 0x* (object of 48 bytes)
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p[100];
    for (int i = 0; i < 100; i++)
        p[i] = malloc(40);
    for (int i = 0; i < 100; i++)
        free(p[i]);
    free(p[99]);
    return 0;
}
