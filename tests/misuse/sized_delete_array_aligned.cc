// expect: heaptap: sized free of 0x*: size 40000 does not belong to an object of 65536 bytes
// signal: ABRT
#include <new>

/* Both are large: only the number of pages tells. */
int main() {
    void *volatile p = ::operator new[](60000, std::align_val_t(16384));
    ::operator delete[](p, 40000, std::align_val_t(16384));
    return 0;
}
