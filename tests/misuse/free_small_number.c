// expect: heaptap: free of invalid pointer 0x10: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    free((void *)0x10);
    return 0;
}
