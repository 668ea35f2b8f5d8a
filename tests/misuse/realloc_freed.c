// expect: heaptap: * of 0x* (object of 48 bytes)
// signal: ABRT
// checked: heaptap: realloc of invalid pointer 0x*: a freed object of * bytes
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(40);
    free(p);
    p = realloc(p, 1000);
    return 0;
}
