// expect: heaptap: sized free of 0x*: size 100 does not belong to an object of * bytes
// signal: ABRT
#include <malloc.h>
#include <stdlib.h>
#include <dlfcn.h>

int main(void) {
    void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    sized(malloc(1 << 20), 100);
    return 0;
}
