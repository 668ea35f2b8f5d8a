// Throws in many threads, carries the exceptions to main, and rethrows them there: what it prints must be the
// same with the library preloaded. Exceptions are allocated, unwound, and freed by another thread than threw.
#include <cstdio>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Guard {
    std::string &trail;
    std::string name;
    ~Guard() { trail += "~" + name; }
};

void fall(int depth, std::string &trail) {
    Guard guard{trail, std::to_string(depth)};
    if (depth == 0)
        throw std::runtime_error("bottom of " + std::string(300, 'b'));
    fall(depth - 1, trail);
}

std::exception_ptr catch_one(int depth, std::string &trail) {
    try {
        try {
            fall(depth, trail);
        } catch (...) {
            std::throw_with_nested(std::logic_error("at depth " + std::to_string(depth)));
        }
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

std::string describe(const std::exception &error) {
    std::string text = error.what();
    try {
        std::rethrow_if_nested(error);
    } catch (const std::exception &inner) {
        text += " <- " + describe(inner).substr(0, 20);
    }
    return text;
}

} // namespace

int main() {
    enum { THREADS = 8, ROUNDS = 200 };
    std::vector<std::exception_ptr> caught(THREADS * ROUNDS);
    std::vector<std::string> trails(THREADS * ROUNDS);
    std::vector<std::thread> threads;
    for (int t = 0; t < THREADS; t++)
        threads.emplace_back([&, t] {
            for (int i = t; i < THREADS * ROUNDS; i += THREADS)
                caught[static_cast<size_t>(i)] = catch_one(i % 40, trails[static_cast<size_t>(i)]);
        });
    for (std::thread &thread : threads)
        thread.join();
    for (size_t i = 0; i < caught.size(); i++) {
        try {
            std::rethrow_exception(caught[i]);
        } catch (const std::exception &error) {
            printf("%zu %s %s\n", i, describe(error).c_str(), trails[i].c_str());
        }
        caught[i] = nullptr;
    }
    std::future<int> promised = std::async(std::launch::async, []() -> int { throw std::string("a string"); });
    try {
        promised.get();
    } catch (const std::string &text) {
        printf("%s\n", text.c_str());
    }
    return 0;
}
