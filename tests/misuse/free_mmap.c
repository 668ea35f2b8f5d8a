// expect: heaptap: free of invalid pointer 0x*: not from this heap
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(void) {
    free(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    return 0;
}
