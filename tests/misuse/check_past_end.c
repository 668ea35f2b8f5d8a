// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* of 32 bytes was written past its end: byte 32
// signal: ABRT
#include <stdlib.h>
#include <string.h>

/* The end mark of a string that fills its block; found at the free. */
int main(void) {
    char *p = malloc(32);
    strcpy(p, "a string of thirty-two characters" + 1);
    free(p);
    return 0;
}
