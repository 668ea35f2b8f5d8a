// expect: heaptap: free of invalid pointer 0x*: inside an object of * bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(1 << 20);
    free(p + 8192);
    return 0;
}
