// expect: heaptap: double free of 0x* (object of 112 bytes)
// signal: ABRT
#include <stdlib.h>

/* The block has moved; its old address is used on. */
int main(void) {
    char *p = malloc(100), *moved = realloc(p, 10000);
    free(p);
    return moved == NULL;
}
