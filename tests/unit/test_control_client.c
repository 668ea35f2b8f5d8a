/* The values of an answer, and which sockets are believed. */
#include "cli/control_client.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

static char folder[64];

static const char *value(const char *answer, const char *name) {
    static char out[16];
    control_client_value(answer, name, out, sizeof out);
    return out;
}

static void values(void **state) {
    (void)state;
    const char *answer = "rate=12 samples=7 program=a b rate=9";
    assert_string_equal(value(answer, "rate"), "12");
    assert_string_equal(value(answer, "samples"), "7");
    assert_string_equal(value(answer, "program"), "a b rate=9");
    assert_string_equal(value(answer, "rat"), "");
    assert_string_equal(value(answer, "ate"), "");
    assert_string_equal(value("", "rate"), "");
    assert_string_equal(value("rate=", "rate"), "");
    assert_string_equal(value("rate", "rate"), "");
    assert_string_equal(value("rate=123456789012345678901234567890", "rate"), "123456789012345");
}

static void path_of(const char *name, char out[CONTROL_PLACE_MAX]) {
    snprintf(out, CONTROL_PLACE_MAX, "%s/%s", folder, name);
}

static int listen_at(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    path_of(name, address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static bool is_listed(const char *name) {
    struct control_process *processes;
    char path[CONTROL_PLACE_MAX];
    size_t count;
    bool found = false;
    path_of(name, path);
    assert_true(control_client_list(&processes, &count));
    for (size_t i = 0; i < count; i++)
        found |= strcmp(processes[i].path, path) == 0 && processes[i].pid == getpid();
    free(processes);
    return found;
}

static bool exists(const char *name) {
    struct stat status;
    char path[CONTROL_PLACE_MAX];
    path_of(name, path);
    return lstat(path, &status) == 0;
}

static void sockets_that_live_and_that_do_not(void **state) {
    (void)state;
    int live = listen_at("1.sock"), stale = listen_at("2.sock");
    char path[CONTROL_PLACE_MAX];
    close(stale);
    path_of("3.sock", path);
    close(open(path, O_CREAT | O_WRONLY, 0600)); /* no socket */
    assert_true(is_listed("1.sock"));
    assert_false(is_listed("2.sock"));
    assert_true(exists("1.sock") && !exists("2.sock") && exists("3.sock"));
    /* A folder that others may write to is not looked at. */
    chmod(folder, 0777);
    assert_false(is_listed("1.sock"));
    chmod(folder, 01777);
    assert_true(is_listed("1.sock"));
    chmod(folder, 0700);
    close(live);
}

static void found_by_who_listens_and_not_by_name(void **state) {
    struct control_process process;
    char error[CONTROL_TEXT_MAX];
    (void)state;
    int fd = listen_at("4711.sock");
    assert_true(control_client_find(getpid(), &process, error));
    assert_int_equal(process.pid, getpid());
    assert_false(control_client_find(1 << 23, &process, error));
    assert_string_equal(error, "no process 8388608");
    assert_false(control_client_find(getppid(), &process, error));
    close(fd);
    assert_false(control_client_find(getpid(), &process, error));
    assert_non_null(strstr(error, "does not run under libheaptap.so"));
}

/* A process that answers with `text` to one line, and goes. */
static bool ask(const char *text, size_t size, char answer[CONTROL_TEXT_MAX], char error[CONTROL_TEXT_MAX]) {
    char path[CONTROL_PLACE_MAX];
    path_of("5.sock", path);
    unlink(path);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        char line[100];
        int fd = listen_at("5.sock");
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        int client = accept(fd, NULL, NULL);
        ssize_t n = recv(client, line, sizeof line, 0);
        _exit(n > 0 && write(client, text, size) == (ssize_t)size ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    struct control_process process = {.pid = child};
    strcpy(process.path, path);
    bool done = control_client_ask(&process, "ping", 5, answer, error);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return done;
}

static void answers(void **state) {
    char answer[CONTROL_TEXT_MAX], error[CONTROL_TEXT_MAX];
    (void)state;
    assert_true(ask("ok yes\nmore", 11, answer, error));
    assert_string_equal(answer, "yes");
    assert_false(ask("error no way\n", 13, answer, error));
    assert_string_equal(error, "no way");
    assert_false(ask("what\n", 5, answer, error));
    assert_string_equal(error, "what");
    assert_false(ask("ok without end", 14, answer, error));
    assert_non_null(strstr(error, "does not answer: Connection reset by peer"));
    static char endless[CONTROL_TEXT_MAX + 100];
    memset(endless, 'x', sizeof endless);
    assert_false(ask(endless, sizeof endless, answer, error));
    assert_non_null(strstr(error, "does not answer"));
    struct control_process gone = {.pid = getpid()};
    path_of("5.sock", gone.path);
    assert_false(control_client_ask(&gone, "ping", 1, answer, error));
    assert_non_null(strstr(error, "has ended"));
}

static int set_up(void **state) {
    char pattern[100];
    (void)state;
    strcpy(folder, "/tmp/test_control_client.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(pattern, sizeof pattern, "%s/%%p.sock", folder);
    return setenv("HEAPTAP_CONTROL", pattern, 1);
}

static int tear_down(void **state) {
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(sockets_that_live_and_that_do_not),
        cmocka_unit_test(found_by_who_listens_and_not_by_name),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
