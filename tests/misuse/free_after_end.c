// expect: heaptap: free of invalid pointer 0x*: inside an object of * bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(100000);
    free(p + 99999);
    return 0;
}
