// A program whose every instruction is symbolized by tests/interop/heapdiff_symbols.sh: inlined calls in several
// depths, templates, overloads, constructors, lambdas, static functions of the same name, and cold parts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {
inline int innermost(int x) {
    if (x % 7 == 3)
        throw std::runtime_error("odd");
    return x * 3 + 1;
}
inline int middle(int x) { return innermost(x) + innermost(x + 1); }
static int folded(int x) { return middle(x) ^ middle(x - 5); }
} // namespace

namespace store {
template <typename K, typename V> class Cache {
  public:
    explicit Cache(int limit) : limit_(limit) {}
    ~Cache() { std::printf("%zu\n", items_.size()); }
    __attribute__((noinline)) void insert(const K &key, V value) {
        auto grow = [&](V v) { return v + static_cast<V>(items_.size() + limit_); };
        items_[key] = grow(value);
    }
    V sum() const {
        V total{};
        for (const auto &item : items_)
            total += item.second;
        return total;
    }

  private:
    std::map<K, V> items_;
    int limit_;
};
bool operator<(const std::vector<int> &a, int b) { return static_cast<int>(a.size()) < b; }
} // namespace store

extern "C" __attribute__((noinline)) void *plain_c_name(size_t n) { return std::malloc(n ? n : 1); }

int main(int argc, char **argv) {
    store::Cache<std::string, long> words(argc);
    store::Cache<int, double> numbers(3);
    std::vector<std::unique_ptr<int>> owned;
    for (int i = 0; i < argc * 20; i++) {
        try {
            words.insert(std::string(argv[0]) + std::to_string(i), folded(i));
            numbers.insert(i, folded(i) / 2.0);
            owned.push_back(std::make_unique<int>(i));
        } catch (const std::exception &error) {
            std::free(plain_c_name(static_cast<size_t>(i)));
        }
    }
    std::sort(owned.begin(), owned.end(), [](const auto &a, const auto &b) { return *a > *b; });
    std::printf("%ld %g %d\n", words.sum(), numbers.sum(), store::operator<({argc}, 2));
    return 0;
}
