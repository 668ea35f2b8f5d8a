// with: HEAPTAP_CHECK=1
// expect: heaptap: realloc of invalid pointer 0x*: a freed object of 64 bytes
// signal: ABRT
#include <stdlib.h>

int main(void) {
    char *volatile p = malloc(40);
    free(p);
    p = realloc(p, 48);
    return 0;
}
