// Exceptions through frames that allocate, for dlopen_storm.c.
#include <stdexcept>
#include <string>

static void descend(int depth) {
    std::string held(100, 'x');
    if (depth == 0)
        throw std::runtime_error(held);
    descend(depth - 1);
}

extern "C" void storm_throw(int depth) {
    try {
        descend(depth);
    } catch (const std::runtime_error &) {
    }
}
