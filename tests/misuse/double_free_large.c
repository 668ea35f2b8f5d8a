// expect: heaptap: double free of 0x* (object of * bytes)
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(1 << 20), *q = malloc(1 << 20);
    free(p);
    free(p);
    free(q);
    return 0;
}
