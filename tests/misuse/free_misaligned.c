// expect: heaptap: free of invalid pointer 0x*: inside an object of 48 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(40);
    free(p + 1);
    return 0;
}
