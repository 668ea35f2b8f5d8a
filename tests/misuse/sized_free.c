// expect: heaptap: sized free of 0x*: size 400 does not belong to an object of 48 bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>
#include <dlfcn.h>

int main(void) {
    void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    sized(malloc(40), 400);
    return 0;
}
