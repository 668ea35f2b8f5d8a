// expect: heaptap: realloc of invalid pointer 0x*: a freed object of 204800 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = memalign(1 << 20, 200000);
    free(p);
    p = realloc(p, 300000);
    return p == NULL;
}
