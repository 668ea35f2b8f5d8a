// expect: heaptap: realloc of invalid pointer 0x*: inside an object of 1024 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(1000);
    realloc(p + 16, 5000);
    return 0;
}
