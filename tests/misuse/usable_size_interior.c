// expect: heaptap: malloc_usable_size of invalid pointer 0x*: inside an object of 48 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(40);
    return (int)malloc_usable_size(p + 8);
    return 0;
}
