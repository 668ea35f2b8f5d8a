// expect: heaptap: free of invalid pointer 0x*: inside an object of 112 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(100);
    free(p + 48);
    return 0;
}
