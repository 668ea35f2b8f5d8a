/* What the control socket answers, line by line; and the server behind it, with clients in this process. */
#include "profiler/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "include/heaptap.h"
#include "profiler/profiler.h"
#include "tests/support/unit.h"

static struct options options;
static char folder[64];

static const char *answer_to(const char *line) {
    static char answer[CONTROL_ANSWER_MAX];
    char text[CONTROL_LINE_MAX];
    snprintf(text, sizeof text, "%s", line);
    control_answer_line(text, answer);
    return answer;
}

static void rates(void **state) {
    (void)state;
    assert_string_equal(answer_to("rate 64KiB"), "ok 0 65536\n");
    assert_int_equal(heaptap_mem_profile_rate(), 65536);
    assert_string_equal(answer_to("rate 1"), "ok 65536 1\n");
    assert_string_equal(answer_to("rate 1x"), "error bad rate '1x': want a size such as 64KiB\n");
    assert_int_equal(heaptap_mem_profile_rate(), 1);
    assert_string_equal(answer_to("rate 0"), "ok 1 0\n");
}

static void dumps(void **state) {
    char line[200], wanted[200], path[100];
    struct stat status;
    (void)state;
    snprintf(path, sizeof path, "%s/a profile", folder);
    snprintf(line, sizeof line, "dump %s", path);
    snprintf(wanted, sizeof wanted, "ok %s\n", path);
    assert_string_equal(answer_to(line), wanted);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    unlink(path);
    assert_string_equal(answer_to("dump"), "error no path was given, and HEAPTAP_DUMP is not set\n");
    assert_string_equal(answer_to("dump ."), "error not an absolute path: '.'\n");
    assert_string_equal(answer_to("dump /"), "error cannot write profile '/': it exists and is not a regular file\n");
}

static void other_words(void **state) {
    (void)state;
    assert_non_null(strstr(answer_to("ping"), "ok heaptap "));
    assert_non_null(strstr(answer_to("info"), " rate=0 "));
    assert_non_null(strstr(answer_to("info x"), "error unexpected argument 'x'"));
    assert_non_null(strstr(answer_to(""), "error unknown command ''"));
    assert_non_null(strstr(answer_to("DUMP"), "error unknown command 'DUMP'"));
    char longest[CONTROL_LINE_MAX];
    memset(longest, 'w', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *answer = answer_to(longest);
    assert_true(strlen(answer) < 120 && strchr(answer, '\n') == answer + strlen(answer) - 1);
    longest[4] = ' ';
    memcpy(longest, "dump /", 6);
    answer = answer_to(longest); /* a name that is longer than names can be is told whole */
    assert_non_null(strstr(answer, "File name too long\n"));
}

/* ---- the server ---- */

static struct control_socket listening;

static void *serve(void *unused) {
    control_server_run(&listening, control_answer_line);
    return unused;
}

static int connect_client(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, listening.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends in pieces; what comes back until the end of the connection. */
static const char *talk(const char *const *pieces) {
    static char answer[CONTROL_ANSWER_MAX];
    int fd = connect_client();
    size_t length = 0;
    ssize_t n;
    for (; *pieces; pieces++) {
        assert_true(send(fd, *pieces, strlen(*pieces), MSG_NOSIGNAL) > 0);
        usleep(20000);
    }
    while ((n = recv(fd, answer + length, sizeof answer - 1 - length, 0)) > 0)
        length += (size_t)n;
    answer[length] = '\0';
    close(fd);
    return answer;
}

static void open_socket(void) {
    snprintf(options.control_path, sizeof options.control_path, "%s/in/%%e.%%p", folder);
    options.control_asked = true;
    assert_int_equal(control_socket_open(&listening, &options), 0);
}

static void clients(void **state) {
    pthread_t thread;
    struct stat status;
    (void)state;
    open_socket();
    assert_int_equal(stat(listening.path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode) && (status.st_mode & 0777) == 0600);
    assert_true(listening.fd >= 900);
    pthread_create(&thread, NULL, serve, NULL);
    assert_string_equal(talk((const char *const[]){"ra", "te", " 12", "8\n", NULL}), "ok 0 128\n");
    assert_string_equal(talk((const char *const[]){"rate 0\nrate 5\n", NULL}), "ok 128 0\n");
    int silent[40];
    for (int i = 0; i < 40; i++) /* more than there are places */
        silent[i] = connect_client();
    assert_non_null(strstr(talk((const char *const[]){"ping\n", NULL}), "ok heaptap"));
    for (int i = 0; i < 40; i++)
        close(silent[i]);
    static char endless[3 * CONTROL_LINE_MAX];
    memset(endless, 'x', sizeof endless - 1);
    assert_string_equal(talk((const char *const[]){endless, NULL}), "error the line is too long\n");
    /* The socket is not the one that was made any more, as when a program closes what it did not open. */
    listening.socket++;
    close(connect_client());
    pthread_join(thread, NULL);
    listening.socket--;
    control_socket_remove(&listening);
    assert_int_equal(stat(listening.path, &status), -1);
    close(listening.fd);
}

static void only_its_own_file_is_removed(void **state) {
    struct control_socket second;
    struct stat status;
    (void)state;
    open_socket();
    assert_int_equal(control_socket_open(&second, &options), EADDRINUSE);
    assert_string_equal(second.path, "");
    close(listening.fd);
    usleep(20000);                                               /* the clock of file systems is a coarse one */
    assert_int_equal(control_socket_open(&second, &options), 0); /* nobody listens any more */
    control_socket_remove(&listening);
    assert_int_equal(stat(second.path, &status), 0);
    control_socket_remove(&second);
    assert_int_equal(stat(second.path, &status), -1);
    close(second.fd);
    FILE *file = fopen(second.path, "w"); /* what is no socket is not touched */
    fclose(file);
    char path[CONTROL_PATH_MAX];
    strcpy(path, second.path);
    assert_int_equal(control_socket_open(&second, &options), EADDRINUSE);
    unlink(path);
}

static void places(void **state) {
    struct control_socket out;
    char path[100], target[100];
    (void)state;
    snprintf(target, sizeof target, "%s/target", folder);
    mkdir(target, 0700);
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink(target, path), 0);
    snprintf(options.control_path, sizeof options.control_path, "%s/link/x", folder);
    options.control_asked = true;
    assert_int_equal(control_socket_open(&out, &options), ENOTDIR);
    snprintf(options.control_path, sizeof options.control_path, "%s/target/x", folder);
    chmod(target, 0770);
    assert_int_equal(control_socket_open(&out, &options), EPERM);
    chmod(target, 01777);
    assert_int_equal(control_socket_open(&out, &options), 0);
    control_socket_remove(&out);
    close(out.fd);
    snprintf(options.control_path, sizeof options.control_path, "%s/none/none/x", folder);
    assert_int_equal(control_socket_open(&out, &options), ENOENT);
    memset(options.control_path, 'y', OPTIONS_CONTROL_MAX - 1);
    options.control_path[0] = '/';
    options.control_path[OPTIONS_CONTROL_MAX - 1] = '\0';
    assert_int_equal(control_socket_open(&out, &options), ENAMETOOLONG);
    unlink(path);
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/test_control.XXXXXX");
    options_set_defaults(&options);
    options.mem_profile_rate = 0;
    options.control_off = true;
    profiler_start(&options);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(dumps),
        cmocka_unit_test(other_words),
        cmocka_unit_test(clients),
        cmocka_unit_test(only_its_own_file_is_removed),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
