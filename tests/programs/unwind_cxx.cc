// Allocations under exceptions, templates and virtual calls, in functions with and without frame pointers; everything in it
// happens in the same order each time.
#include <algorithm>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
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

// Allocates while an exception passes through its frame, and throws another one in there.
struct allocates_at_end {
    int depth;
    ~allocates_at_end() {
        std::string text(300, 'd');
        if (depth > 0)
            try {
                allocates_at_end inner{depth - 1};
                throw std::string(text + "inner");
            } catch (const std::string &caught) {
                text += caught;
            }
    }
};

static void rethrow(int depth) {
    try {
        allocates_at_end object{depth % 3};
        if (depth == 0)
            throw std::vector<int>(200);
        rethrow(depth - 1);
    } catch (const std::vector<int> &) {
        std::unique_ptr<char[]> room(new char[333]);
        throw;
    } catch (...) {
        std::terminate();
    }
}

static void end_of_exceptions() noexcept {
    std::exception_ptr kept;
    try {
        rethrow(6);
    } catch (...) {
        kept = std::current_exception();
    }
    std::thread([kept] {
        try {
            std::rethrow_exception(kept);
        } catch (const std::vector<int> &numbers) {
            std::vector<int> copy(numbers);
        }
    }).join();
}

// A call by the second base goes through a thunk.
struct other_base {
    virtual ~other_base() {}
    virtual std::string name() = 0;
};

struct both : base, virtual other_base {
    void run(int depth) override { std::string(size_t(depth) + 100, 'b'); }
    std::string name() override { return std::string(200, 'n'); }
};

struct has_thread_end {
    std::string text{"initialized at the first use in a thread"};
    ~has_thread_end() { std::string(500, 'e'); }
};

static thread_local has_thread_end of_thread;

static const std::vector<std::string> &initialized_once() {
    static const std::vector<std::string> words(10, std::string(40, 'w'));
    return words;
}

static void use_threads() {
    for (int i = 0; i < 3; i++)
        std::thread([i] {
            of_thread.text += std::string(size_t(i) + 50, 't');
            end_of_exceptions();
        }).join();
    auto later = std::async(std::launch::async, []() -> int { throw std::runtime_error(std::string(60, 'a')); });
    try {
        later.get();
    } catch (const std::runtime_error &e) {
        std::string(e.what());
    }
}

static void use_library() {
    std::ostringstream out;
    for (int i = 0; i < 50; i++)
        out << i << ' ' << i * 1.5 << ' ' << initialized_once()[0] << std::endl;
    std::string text = out.str();
    std::regex expression("([0-9]+) (w+)");
    std::smatch match;
    std::regex_search(text, match, expression);
    std::vector<std::unique_ptr<other_base>> objects;
    for (int i = 0; i < 5; i++)
        objects.emplace_back(new both);
    std::stable_sort(objects.begin(), objects.end(),
                     [](const auto &a, const auto &b) { return a->name() < b->name(); });
    try {
        std::vector<int>().at(3);
    } catch (const std::out_of_range &e) {
        std::string(e.what());
    }
    try {
        std::string(size_t(-5), 'x');
    } catch (const std::length_error &) {
    }
}

struct static_object {
    std::string text = std::string(70, 's');
    ~static_object() { std::string(71, 's'); }
};

static static_object at_start_and_exit;

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
    end_of_exceptions();
    use_threads();
    use_library();
}
