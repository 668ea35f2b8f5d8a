// expect: heaptap: double free of 0x* (object of 48 bytes)
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char *p = malloc(40);
    free(p);
    free(p);
    return 0;
}
