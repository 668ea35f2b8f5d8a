// with: HEAPTAP_CHECK=1
// expect: heaptap: object 0x* of 32 bytes was written past its end: byte 32
// signal: ABRT
#include <stdlib.h>
#include <string.h>

/* The block is never freed; found when the program ends. Free neighbours are what the byte would hit without the
 * checks. */
int main(void) {
    char *p[64];
    for (int i = 0; i < 64; i++)
        p[i] = malloc(32);
    for (int i = 1; i < 64; i += 2)
        free(p[i]);
    for (int i = 0; i < 64; i += 2)
        strcpy(p[i], "a string of thirty-two characters" + 1);
    for (int i = 1; i < 64; i += 2)
        p[i] = malloc(32);
    return p[63] == NULL;
}
