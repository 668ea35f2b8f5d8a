// with: HEAPTAP_CHECK=1
// expect: heaptap: double free of 0x* (object of 64 bytes)
// signal: ABRT
#include <stdlib.h>

/* Hundreds of blocks of that size come and go in between: without its rest the slot would have been handed out again.
 */
int main(void) {
    char *volatile p = malloc(40), *kept[500];
    free(p);
    for (int i = 0; i < 500; i++)
        kept[i] = malloc(40);
    for (int i = 0; i < 500; i++)
        free(kept[i]);
    free(p);
    return 0;
}
