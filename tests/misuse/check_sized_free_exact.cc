// with: HEAPTAP_CHECK=1
// expect: heaptap: sized free of 0x*: size 44 does not belong to an object of 40 bytes
// signal: ABRT
#include <new>

/* Of the same size class, but not what was asked for. */
int main() {
    void *volatile p = ::operator new(40);
    ::operator delete(p, 44);
    return 0;
}
