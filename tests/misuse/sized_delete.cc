// expect: heaptap: sized free of 0x*: size 400 does not belong to an object of 48 bytes
// signal: ABRT
#include <new>

struct Base {
    char bytes[40];
}; // no virtual destructor
struct Derived : Base {
    char more[360];
};

int main() {
    Base *volatile p = new Base;
    ::operator delete(p, sizeof(Derived));
    return 0;
}
