// expect: heaptap: free of invalid pointer 0x*: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
    free((void *)0xdeadbeefcafe0010);
    return 0;
}
