// expect: heaptap: sized free of 0x*: size 64 does not belong to an object of 256 bytes
// signal: ABRT
#include <new>

int main() {
    void *volatile p = ::operator new(200, std::align_val_t(128));
    ::operator delete(p, 64, std::align_val_t(128));
    return 0;
}
