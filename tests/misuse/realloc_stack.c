// expect: heaptap: realloc of invalid pointer 0x*: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    char buffer[100];
    realloc(buffer + 16, 200);
    return 0;
}
