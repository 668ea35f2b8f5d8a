// with: HEAPTAP_CHECK=1
// expect: heaptap: double free of 0x* (object of 64 bytes)
// signal: ABRT
#include <stdlib.h>

/* Hundreds of blocks of that size come and go in between, and every free one but those at rest is handed out. */
int main(void) {
    char *volatile p = malloc(40), *kept[5000];
    free(p);
    for (int i = 0; i < 500; i++)
        free(malloc(40));
    for (int i = 0; i < 5000; i++)
        kept[i] = malloc(40);
    free(p);
    return kept[0] == NULL;
}
