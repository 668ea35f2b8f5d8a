// expect: heaptap: sized free of 0x*: size 4000 does not belong to an object of 416 bytes
// signal: ABRT
#include <new>

int main() {
    int *volatile p = static_cast<int *>(::operator new[](400));
    ::operator delete[](p, 10 * 400);
    return 0;
}
