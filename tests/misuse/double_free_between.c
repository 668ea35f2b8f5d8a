// expect: heaptap: double free of 0x* (object of 48 bytes)
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *a = malloc(40), *b = malloc(40), *c = malloc(40);
    free(a);
    free(b);
    free(a);
    return c == NULL;
}
