/* Control groups of both versions from folders that are made here, as their files look on real systems; and the limits
 * of this process. */
#include "profiler/ceiling.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/support/sanitized.h"

static char root[64];

static void put(const char *path, const char *text) {
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(whole, 0700);
        *p = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/test_ceiling.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static struct ceiling groups(const char *membership) {
    char text[1000];
    snprintf(text, sizeof text, "%s", membership);
    return ceiling_of_groups(root, text);
}

static void expect(const char *membership, uint64_t used, uint64_t limit) {
    struct ceiling ceiling = groups(membership);
    assert_int_equal(ceiling.limit, limit);
    if (limit)
        assert_int_equal(ceiling.used, used);
}

static void version_2(void **state) {
    (void)state;
    put("a/b/memory.max", "1000\n");
    put("a/b/memory.current", "900\n");
    put("a/b/memory.stat", "anon 300\nfile 500\ninactive_file 300\nactive_file 200\ntotal_inactive_file 7\n");
    put("a/memory.max", "max\n");
    put("a/memory.current", "5000\n");
    expect("0::/a/b\n", 400, 1000);
    expect("0::/a\n", 0, 0);
    expect("0::/\n", 0, 0);
    expect("0::/not/there\n", 0, 0);
    put("a/memory.max", "6000\n"); /* the one above is nearer to its end */
    expect("0::/a/b\n", 5000, 6000);
    expect("0::/a/b", 5000, 6000);
    put("a/memory.stat", "inactive_file 4999\n");
    expect("0::/a/b\n", 400, 1000);
}

static void version_1(void **state) {
    (void)state;
    const char *membership = "12:cpu,cpuacct:/else\n8:memory:/docker/1\n1:name=systemd:/x\n0::/x\n";
    put("memory/docker/1/memory.limit_in_bytes", "2000\n");
    put("memory/docker/1/memory.usage_in_bytes", "1500\n");
    put("memory/docker/1/memory.stat", "cache 4\ninactive_file 900\ntotal_inactive_file 100\ntotal_active_file 50\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("memory/memory.usage_in_bytes", "123456\n");
    expect(membership, 1350, 2000);
    expect("8:memory:/\n", 0, 0);
    expect("8:notmemory,memoryx:/docker/1\n", 0, 0);
    expect("8:cpu,memory,io:/docker/1\n", 1350, 2000);
}

/* A container sees its host's path and its own group at the mount. */
static void path_of_another_name_space(void **state) {
    (void)state;
    put("memory/memory.limit_in_bytes", "2000\n");
    put("memory/memory.usage_in_bytes", "1500\n");
    expect("8:memory:/host/path/of/it\n", 1500, 2000);
    put("unified/memory.max", "100\n");
    put("unified/memory.current", "90\n");
    expect("8:memory:/host\n0::/host\n", 90, 100);
}

static void nonsense(void **state) {
    (void)state;
    put("a/memory.max", "99999999999999999999999\n");
    put("a/memory.current", "1\n");
    expect("0::/a\n", 0, 0);
    put("a/memory.max", "0\n");
    expect("0::/a\n", 0, 0);
    put("a/memory.max", "-1\n");
    expect("0::/a\n", 0, 0);
    put("a/memory.max", "100\n");
    put("a/memory.current", "what\n");
    expect("0::/a\n", 0, 0);
    put("a/memory.current", "10\n");
    put("a/memory.stat", "inactive_file 99999\n"); /* more than all of it: read at another moment */
    expect("0::/a\n", 0, 100);
    static const char *const memberships[] = {"", "\n\n", "0", "0:", "0:memory", "0::", ":::", "0::a"};
    for (size_t i = 0; i < sizeof memberships / sizeof *memberships; i++)
        expect(memberships[i], 0, 0);
    char longest[900];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "0::/", 4);
    longest[sizeof longest - 1] = '\0';
    expect(longest, 0, 0);
}

/* In a child, since a limit cannot be raised again. */
static void limits_of_the_process(void **state) {
    (void)state;
    if (SANITIZED)
        skip(); /* its shadow is larger than any limit */
    pid_t child = fork();
    if (child == 0) {
        const rlim_t size = (rlim_t)1 << 40;
        const struct rlimit limit = {size, size};
        if (setrlimit(RLIMIT_DATA, &limit) != 0)
            _exit(1);
        struct ceiling before = ceiling_read();
        if (before.limit != size)
            _exit(before.limit ? 77 : 2); /* a control group is nearer */
        size_t more = (size_t)64 << 20;
        if (mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            _exit(3);
        struct ceiling after = ceiling_read();
        _exit(after.used >= before.used + more && after.used < before.used + 2 * more ? 0 : 4);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(path_of_another_name_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense, set_up, tear_down),
        cmocka_unit_test(limits_of_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
