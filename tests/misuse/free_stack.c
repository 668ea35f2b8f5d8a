// expect: heaptap: free of invalid pointer 0x*: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char buffer[100];
    free(buffer + 16);
    return 0;
}
