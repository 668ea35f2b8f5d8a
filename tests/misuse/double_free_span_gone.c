// expect: heaptap: double free of 0x* (object of 48 bytes)
// signal: ABRT
#include <stdlib.h>

/* So many are freed that their spans are given back. */
int main(void) {
    enum { OBJECTS = 20000 };
    static char *p[OBJECTS];
    for (int i = 0; i < OBJECTS; i++)
        p[i] = malloc(48);
    for (int i = 0; i < OBJECTS; i++)
        free(p[i]);
    free(p[OBJECTS / 2]);
    return 0;
}
