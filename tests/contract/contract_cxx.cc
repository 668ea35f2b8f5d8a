// The eight forms of operator new and the twelve of operator delete, the new-handler, and thread_local
// objects that free in their destructors.
#include <malloc.h>

#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/expect.h"

namespace {

struct alignas(256) Wide {
    char bytes[300];
};

void use(void *p, size_t size, size_t align) {
    EXPECT(p && reinterpret_cast<uintptr_t>(p) % align == 0 && malloc_usable_size(p) >= size);
    if (p)
        memset(expect_opaque(p), 0x3c, size);
}

void test_plain_forms(size_t size) {
    size_t natural = size >= 16 ? 16 : 8;
    void *p[8] = {::operator new(size),   ::operator new(size),   ::operator new(size, std::nothrow),
                  ::operator new[](size), ::operator new[](size), ::operator new[](size, std::nothrow),
                  ::operator new(size),   ::operator new[](size)};
    for (void *each : p)
        use(each, size, natural);
    ::operator delete(p[0]);
    ::operator delete(p[1], size);
    ::operator delete(p[2], std::nothrow);
    ::operator delete[](p[3]);
    ::operator delete[](p[4], size);
    ::operator delete[](p[5], std::nothrow);
    free(p[6]); // one heap: the C names take what the C++ names gave
    free(p[7]);
    ::operator delete(malloc(size));
}

void test_aligned_forms(size_t size, size_t alignment) {
    std::align_val_t align{alignment};
    void *p[6] = {
        ::operator new(size, align),   ::operator new(size, align),   ::operator new(size, align, std::nothrow),
        ::operator new[](size, align), ::operator new[](size, align), ::operator new[](size, align, std::nothrow)};
    for (void *each : p)
        use(each, size, alignment);
    ::operator delete(p[0], align);
    ::operator delete(p[1], size, align);
    ::operator delete(p[2], align, std::nothrow);
    ::operator delete[](p[3], align);
    ::operator delete[](p[4], size, align);
    ::operator delete[](p[5], align, std::nothrow);
}

void test_null() {
    ::operator delete(nullptr);
    ::operator delete (nullptr, size_t{5});
    ::operator delete[](nullptr);
    ::operator delete[](nullptr, size_t{5});
    ::operator delete (nullptr, std::align_val_t{64});
    ::operator delete (nullptr, size_t{5}, std::align_val_t{64});
}

template <typename Function> bool throws_bad_alloc(Function function) {
    try {
        expect_opaque(function());
    } catch (const std::bad_alloc &error) {
        return strlen(error.what()) > 0;
    }
    return false;
}

void test_failure() {
    size_t huge = reinterpret_cast<size_t>(expect_opaque(reinterpret_cast<void *>(SIZE_MAX / 2)));
    std::align_val_t align{128};
    EXPECT(throws_bad_alloc([=] { return ::operator new(huge); }));
    EXPECT(throws_bad_alloc([=] { return ::operator new[](huge); }));
    EXPECT(throws_bad_alloc([=] { return ::operator new(huge, align); }));
    EXPECT(throws_bad_alloc([=] { return ::operator new[](huge, align); }));
    EXPECT(throws_bad_alloc([=] { return new char[huge]; }));
    EXPECT(::operator new(huge, std::nothrow) == nullptr);
    EXPECT(::operator new[](huge, std::nothrow) == nullptr);
    EXPECT(::operator new(huge, align, std::nothrow) == nullptr);
    EXPECT(::operator new[](huge, align, std::nothrow) == nullptr);
    EXPECT(throws_bad_alloc([=] {
        std::vector<char> grown;
        grown.reserve(huge - 1);
        return static_cast<void *>(nullptr);
    }));
}

int handler_calls;

void handler_that_gives_up() {
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

struct Special : std::bad_alloc {};
void handler_that_throws() {
    handler_calls++;
    throw Special();
}

void test_new_handler() {
    size_t huge = reinterpret_cast<size_t>(expect_opaque(reinterpret_cast<void *>(SIZE_MAX / 2)));
    std::set_new_handler(handler_that_gives_up);
    EXPECT(throws_bad_alloc([=] { return ::operator new(huge); }) && handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(handler_that_gives_up);
    EXPECT(::operator new(huge, std::nothrow) == nullptr &&handler_calls == 3);
    handler_calls = 0;
    std::set_new_handler(handler_that_throws);
    bool special = false;
    try {
        expect_opaque(::operator new[](huge, std::align_val_t{64}));
    } catch (const Special &) {
        special = true;
    }
    EXPECT(special && handler_calls == 1);
    EXPECT(::operator new(huge, std::nothrow) == nullptr &&handler_calls == 2);
    std::set_new_handler(nullptr);
}

std::unique_ptr<char[]> handed_over[16];

struct PerThread {
    std::string text = std::string(5000, 'x');
    std::vector<std::unique_ptr<int>> numbers;
    ~PerThread() {
        EXPECT(text.size() == 5000 && text[4999] == 'x');
        numbers.clear();
        text += "and more";
        std::map<int, std::string> last;
        for (int i = 0; i < 50; i++)
            last[i] = std::string(static_cast<size_t>(i) * 10, 'y');
        EXPECT(last.size() == 50);
    }
};
thread_local PerThread per_thread;

void test_thread_locals() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; i++)
        threads.emplace_back([i] {
            for (int k = 0; k < 200; k++)
                per_thread.numbers.push_back(std::make_unique<int>(k));
            handed_over[i].reset(new char[1000 + i]);
        });
    for (std::thread &thread : threads)
        thread.join();
    for (std::unique_ptr<char[]> &each : handed_over)
        each.reset();
}

} // namespace

int main() {
    for (size_t size : {0, 1, 8, 16, 17, 100, 1000, 5000, 32768, 32769, 200000, 3000000}) {
        test_plain_forms(size);
        for (size_t align = 32; align <= 65536; align *= 4)
            test_aligned_forms(size, align);
    }
    std::unique_ptr<Wide> wide(new Wide);
    std::unique_ptr<Wide[]> wides(new Wide[7]);
    use(wide.get(), sizeof(Wide), 256);
    use(wides.get(), 7 * sizeof(Wide), 256);
    test_null();
    test_failure();
    test_new_handler();
    test_thread_locals();
    return expect_report();
}
