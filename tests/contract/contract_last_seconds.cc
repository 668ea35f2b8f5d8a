/* Allocation at the ends of threads and of the process: in destructors of thread_local objects, which come before those
 * of keys, and of keys that each other's destructors set again, through all four rounds; in what runs at exit by any of
 * its ways; and in threads that go on when main's has left.
 *
 * Each way to end runs in a process of its own, this program started again with its name. */
#include <pthread.h>
#include <sys/wait.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/expect.h"

namespace {

enum { THREADS = 200, KEYS = 40, ROUNDS = 4, SIZES = 12, MOST_GROWTH = 4 << 20 };

void allocate_all_over() {
    void *kept[SIZES];
    for (int i = 0; i < SIZES; i++) {
        size_t size = size_t{8} << i;
        kept[i] = i % 2 ? malloc(size) : calloc(1, size);
        EXPECT(kept[i] != nullptr);
        memset(kept[i], i, size);
    }
    void *large = realloc(malloc(100000), 300000);
    EXPECT(large != nullptr);
    free(large);
    for (int i = 0; i < SIZES; i++) {
        EXPECT(*static_cast<unsigned char *>(kept[i]) == i);
        free(kept[i]);
    }
}

/* ---- threads ---- */

int objects_destroyed, key_rounds; /* atomically */

struct Local {
    std::vector<std::string> *texts = new std::vector<std::string>(50, std::string(100, 'x'));
    ~Local() {
        EXPECT(texts->size() == 50 && (*texts)[49].size() == 100);
        texts->resize(200);
        delete texts;
        allocate_all_over();
        __atomic_add_fetch(&objects_destroyed, 1, __ATOMIC_RELAXED);
    }
};

thread_local Local first, second;
pthread_key_t keys[KEYS];

struct Value {
    int key, round;
    char text[100];
};

void destroy_value(void *pointer) {
    Value *value = static_cast<Value *>(pointer);
    allocate_all_over();
    __atomic_add_fetch(&key_rounds, 1, __ATOMIC_RELAXED);
    if (value->round < ROUNDS) {
        Value *again = static_cast<Value *>(malloc(sizeof *again));
        *again = *value;
        again->round++;
        EXPECT(pthread_setspecific(keys[value->key], again) == 0);
    }
    free(value);
}

void *use_thread_memory(void *) {
    first.texts->push_back("one");
    first.texts->pop_back();
    second.texts->reserve(60);
    for (int i = 0; i < KEYS; i++) {
        Value *value = static_cast<Value *>(malloc(sizeof *value));
        *value = {i, 1, "a value"};
        pthread_setspecific(keys[i], value);
    }
    return nullptr;
}

long resident_bytes() {
    char text[100] = "";
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file && fgets(text, sizeof text, file) && sscanf(text, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

void run_threads() {
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, nullptr, use_thread_memory, nullptr) == 0);
        pthread_join(thread, nullptr);
    }
}

/* What a thread allocated in its last round is not lost with it: later threads add nothing to the first ones' memory.
 */
int test_threads() {
    for (auto &key : keys)
        EXPECT(pthread_key_create(&key, destroy_value) == 0);
    run_threads();
    long before = resident_bytes();
    run_threads();
    EXPECT(resident_bytes() - before < MOST_GROWTH);
    EXPECT(objects_destroyed == 2 * 2 * THREADS);
    EXPECT(key_rounds == 2 * THREADS * KEYS * ROUNDS);
    return expect_failures != 0;
}

/* ---- ends of the process ---- */

enum { EXIT_GOOD = 42 };

int handlers_left;

/* The last handler to run says how it went: what comes after it no longer counts. */
void at_end() {
    allocate_all_over();
    if (--handlers_left == 0)
        _exit(expect_failures ? 1 : EXIT_GOOD);
}

void at_end_with_status(int, void *text) {
    EXPECT(strcmp(static_cast<char *>(text), "kept until exit") == 0);
    free(text);
    at_end();
}

void end_by_exit() {
    handlers_left = 3;
    atexit(at_end);
    on_exit(at_end_with_status, strdup("kept until exit"));
    atexit(at_end);
    exit(0);
}

void end_by_quick_exit() {
    handlers_left = 2;
    at_quick_exit(at_end);
    at_quick_exit(at_end);
    quick_exit(0);
}

void *outlive_main(void *main_thread) {
    pthread_join(*static_cast<pthread_t *>(main_thread), nullptr);
    for (int i = 0; i < 1000; i++)
        allocate_all_over();
    delete static_cast<pthread_t *>(main_thread);
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, use_thread_memory, nullptr) == 0);
    pthread_join(thread, nullptr);
    exit(0); /* runs the handlers on this thread */
}

void end_by_leaving_main() {
    pthread_t thread, *self = new pthread_t(pthread_self());
    handlers_left = 1;
    atexit(at_end);
    use_thread_memory(nullptr);
    EXPECT(pthread_create(&thread, nullptr, outlive_main, self) == 0);
    pthread_exit(nullptr);
}

/* Threads that allocate while the process ends around them. */
void *allocate_for_ever(void *) {
    for (;;)
        allocate_all_over();
}

void end_under_load() {
    pthread_t thread;
    handlers_left = 2;
    atexit(at_end);
    atexit(at_end);
    for (int i = 0; i < 4; i++)
        EXPECT(pthread_create(&thread, nullptr, allocate_for_ever, nullptr) == 0);
    usleep(20000);
    exit(0);
}

const struct {
    const char *name;
    void (*run)();
} ends[] = {{"exit", end_by_exit},
            {"quick_exit", end_by_quick_exit},
            {"leave_main", end_by_leaving_main},
            {"load", end_under_load}};

void test_end(const char *program, const char *name) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        execl(program, program, name, nullptr);
        _exit(127);
    }
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_GOOD) {
        fprintf(stderr, "end by %s: status %x\n", name, status);
        EXPECT(!"the process ends in order");
    }
}

} // namespace

int main(int argc, char **argv) {
    for (const auto &end : ends)
        if (argc > 1 && strcmp(argv[1], end.name) == 0) {
            for (auto &key : keys)
                pthread_key_create(&key, destroy_value);
            end.run();
        }
    if (test_threads())
        return 1;
    for (const auto &end : ends)
        test_end(argv[0], end.name);
    return expect_report();
}
