// Allocations under exceptions, templates and virtual calls, in functions with and without frame pointers; everything in it
// happens in the same order each time.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct base {
    virtual ~base() {}
    virtual void run(int depth) = 0;
};

struct thrower : base {
    std::string name{"a name that is too long for the small string"};
    void run(int depth) override {
        std::vector<std::string> held(3, name);
        if (depth == 0)
            throw std::runtime_error(name + held[1]);
        run(depth - 1);
    }
};

static void catcher(int depth) {
    try {
        std::unique_ptr<base> object(new thrower);
        object->run(depth);
    } catch (const std::exception &e) {
        std::string copy(e.what());
        if (depth % 2)
            throw std::logic_error(copy);
    }
}

int main() {
    std::map<int, std::string> map;
    std::vector<std::function<void()>> calls;
    for (int i = 0; i < 40; i++) {
        map[i * 7 % 40] = std::string(size_t(i) + 20, 'x');
        calls.push_back([i, &map] {
            try {
                catcher(i % 9);
            } catch (const std::logic_error &e) {
                map[i] += e.what();
            }
        });
    }
    std::sort(calls.begin(), calls.end(), [&map](const auto &, const auto &) {
        map[1] = std::string(50, 'y');
        return false;
    });
    for (auto &call : calls)
        call();
}
