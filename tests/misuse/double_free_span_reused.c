// expect: heaptap: free of invalid pointer 0x*: inside an object of 112 bytes
// signal: ABRT
#include <stdlib.h>

/* The span of 48-byte objects becomes free and is used again for objects of another size. */
int main(void) {
    enum { OBJECTS = 20000 };
    static char *old[OBJECTS], *new[OBJECTS];
    for (int i = 0; i < OBJECTS; i++)
        old[i] = malloc(48);
    for (int i = 0; i < OBJECTS; i++)
        free(old[i]);
    for (int i = 0; i < OBJECTS; i++)
        new[i] = malloc(112);
    for (int i = 0; i < OBJECTS; i++)
        for (int k = 0; k < OBJECTS; k += 97)
            if (old[i] > new[k] && old[i] < new[k] + 112)
                free(old[i]);
    return 0;
}
