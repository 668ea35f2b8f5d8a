// Containers of the C++ library as services use them: maps of strings that are filled, looked up and emptied in part,
// vectors that grow, lists that are spliced. Sized operator delete all along.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "workload.h"

namespace {

std::string key_of(uint32_t n) {
    return "user:" + std::to_string(n) + (n % 3 ? "" : ":a-key-that-needs-memory-of-its-own");
}

uint64_t churn_maps(struct random *random, std::map<std::string, std::vector<uint32_t>> &tree,
                    std::unordered_map<std::string, std::string> &table) {
    uint64_t sum = 0;
    for (int i = 0; i < 20000; i++) {
        uint32_t n = random_below(random, 30000);
        std::string key = key_of(n);
        if (n % 4 == 0) {
            sum += tree.erase(key);
            table.erase(key);
            continue;
        }
        tree[key].push_back(n);
        table[key].append(key.substr(0, n % 40));
        sum += tree[key].size() + table[key].size();
    }
    return sum;
}

uint64_t churn_lists(struct random *random) {
    std::list<std::string> words, others;
    for (int i = 0; i < 5000; i++)
        (i % 2 ? words : others).push_back(key_of(random_next(random)));
    words.splice(words.begin(), others);
    words.sort();
    words.unique();
    std::vector<std::string> copies(words.begin(), words.end());
    uint64_t sum = 0;
    for (const std::string &copy : copies)
        sum += copy.size();
    return sum;
}

} // namespace

int main(int argc, char **argv) {
    size_t rounds = workload_times(argc, argv, 50);
    struct random random = random_seeded(11);
    std::map<std::string, std::vector<uint32_t>> tree;
    std::unordered_map<std::string, std::string> table;
    uint64_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        sum += churn_maps(&random, tree, table);
        sum += churn_lists(&random);
        if (round % 10 == 9)
            table.clear();
    }
    return workload_end(sum);
}
