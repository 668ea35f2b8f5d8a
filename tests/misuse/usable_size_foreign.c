// expect: heaptap: malloc_usable_size of invalid pointer 0x*: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    static char buffer[100];
    return (int)malloc_usable_size(buffer);
    return 0;
}
