/* fetch_open against a server of the test's own, on loopback and on a socket: what it asks for, what it takes, and the
 * line that it says where the server is slow, short, endless, elsewhere or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/fetch.h"

enum { SECOND = 1000000000 };

static struct {
    int network, local;
    char host[64], path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    char asked[200]; /* first line of the last request */
    pthread_t threads[2];
} server;

static void send_text(int fd, const char *text) {
    if (write(fd, text, strlen(text)) < 0)
        return;
}

static void send_endless(int fd) {
    char block[4096] = {0};
    send_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (write(fd, block, sizeof block) > 0)
        ;
}

static void answer(int fd, const char *path) {
    if (strncmp(path, "/debug/pprof/heap", 17) == 0 || strcmp(path, "/other") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nprofile");
    else if (strcmp(path, "/moved") == 0)
        send_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/file") == 0)
        send_text(
            fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/circle") == 0)
        send_text(fd, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/short") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nprofile");
    else if (strcmp(path, "/slow") == 0)
        usleep(1000000);
    else if (strcmp(path, "/endless") == 0)
        send_endless(fd);
    else
        send_text(fd, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnone");
}

static void serve_one(int fd) {
    char request[2000] = "", path[200] = "";
    size_t used = 0;
    while (used < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t n = read(fd, request + used, sizeof request - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
        request[used] = '\0';
    }
    snprintf(server.asked, sizeof server.asked, "%.*s", (int)strcspn(request, "\r\n"), request);
    if (sscanf(request, "GET %199[^ ?]", path) == 1)
        answer(fd, path);
    close(fd);
}

static void *serve(void *listener) {
    for (int fd; (fd = accept(*(int *)listener, NULL, NULL)) >= 0;)
        serve_one(fd);
    return NULL;
}

static int start(void **state) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    socklen_t size = sizeof here;
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    unsetenv("http_proxy");
    server.network = socket(AF_INET, SOCK_STREAM, 0);
    server.local = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(server.path, sizeof server.path, "/tmp/test_fetch.%d.sock", (int)getpid());
    strcpy(there.sun_path, server.path);
    if (bind(server.network, (struct sockaddr *)&here, size) != 0 || listen(server.network, 8) != 0 ||
        getsockname(server.network, (struct sockaddr *)&here, &size) != 0 ||
        bind(server.local, (struct sockaddr *)&there, sizeof there) != 0 || listen(server.local, 8) != 0)
        return -1;
    snprintf(server.host, sizeof server.host, "127.0.0.1:%d", ntohs(here.sin_port));
    return pthread_create(&server.threads[0], NULL, serve, &server.network) |
           pthread_create(&server.threads[1], NULL, serve, &server.local);
}

static int stop(void **state) {
    (void)state;
    shutdown(server.network, SHUT_RDWR);
    shutdown(server.local, SHUT_RDWR);
    pthread_join(server.threads[0], NULL);
    pthread_join(server.threads[1], NULL);
    return unlink(server.path);
}

static void need_curl(void) {
    void *library = dlopen("libcurl.so.4", RTLD_LAZY);
    if (!library)
        skip();
}

/* What came, or the line that says why nothing did. */
static const char *fetch(const char *url, uint64_t timeout, uint64_t most) {
    static char text[FETCH_ERROR_SIZE];
    int fd = fetch_open(url, &(struct fetch_settings){.timeout = timeout, .most = most}, text);
    if (fd < 0)
        return text;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static const char *fetch_path(const char *path) {
    char url[200];
    snprintf(url, sizeof url, "http://%s%s", server.host, path);
    return fetch(url, 0, 0);
}

/* "cannot fetch 'http://HOST/PATH': WHY" */
static void assert_fails(const char *path, const char *why, uint64_t timeout, uint64_t most) {
    char url[200], line[400];
    snprintf(url, sizeof url, "http://%s%s", server.host, path);
    snprintf(line, sizeof line, "cannot fetch '%s': %s", url, why);
    assert_string_equal(fetch(url, timeout, most), line);
}

static void paths(void **state) {
    (void)state;
    need_curl();
    static const struct {
        const char *given, *asked;
    } cases[] = {
        {"", "GET /debug/pprof/heap HTTP/1.1"},
        {"/", "GET /debug/pprof/heap HTTP/1.1"},
        {"?gc=1", "GET /debug/pprof/heap?gc=1 HTTP/1.1"},
        {"/?gc=1", "GET /debug/pprof/heap?gc=1 HTTP/1.1"},
        {"/other", "GET /other HTTP/1.1"},
        {"/moved", "GET /other HTTP/1.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(fetch_path(cases[i].given), "profile");
        assert_string_equal(server.asked, cases[i].asked);
    }
}

static void sockets(void **state) {
    char url[200];
    (void)state;
    need_curl();
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    snprintf(url, sizeof url, "unix:%s", server.path);
    assert_string_equal(fetch(url, 0, 0), "profile");
    assert_string_equal(server.asked, "GET /debug/pprof/heap HTTP/1.1");
    snprintf(url, sizeof url, "unix:%s:/other", server.path);
    assert_string_equal(fetch(url, 0, 0), "profile");
    assert_string_equal(server.asked, "GET /other HTTP/1.1");
    unsetenv("http_proxy");
    assert_non_null(strstr(fetch("unix:/nonexistent.sock", 0, 0), "cannot fetch 'unix:/nonexistent.sock': "));
}

static void failures(void **state) {
    (void)state;
    need_curl();
    assert_fails("/none", "HTTP status 404", 0, 0);
    assert_fails("/endless", "more than 64KiB", 0, 64 << 10);
    assert_fails("/circle", "maximum (10) redirects followed", 0, 0);
    const char *line = fetch_path("/short");
    assert_non_null(strstr(line, "93 bytes remaining"));
    line = fetch_path("/file");
    assert_non_null(strstr(line, "cannot fetch 'http://"));
    assert_null(strchr(line, '\n'));
}

static void slow_servers(void **state) {
    struct timespec begin, end;
    (void)state;
    need_curl();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    char url[200];
    snprintf(url, sizeof url, "http://%s/slow", server.host);
    assert_non_null(strstr(fetch(url, SECOND / 5, 0), "timed out after "));
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 10);
    snprintf(url, sizeof url, "http://%s/endless", server.host);
    assert_non_null(strstr(fetch(url, SECOND / 5, 64 << 20), "cannot fetch"));
}

static void names(void **state) {
    (void)state;
    char out[FETCH_NAME_SIZE];
    assert_string_equal(fetch_name("http://me:secret@host:1/a@b", out), "http://host:1/a@b");
    assert_string_equal(fetch_name("https://host/a\033[2J", out), "https://host/a?[2J");
    assert_true(fetch_is_url("http://h") && fetch_is_url("https://h") && fetch_is_url("unix:a.sock"));
    assert_false(fetch_is_url("http") || fetch_is_url("file:///etc/passwd") || fetch_is_url("a/http://b"));
    assert_string_equal(fetch("http://", 0, 0), "cannot fetch 'http://': no host is named");
    assert_string_equal(fetch("http:///path", 0, 0), "cannot fetch 'http:///path': no host is named");
    assert_string_equal(fetch("unix:", 0, 0), "cannot fetch 'unix:': no socket is named");
    char url[400] = "unix:/";
    memset(url + 6, 'x', 200);
    assert_non_null(strstr(fetch(url, 0, 0), "': the socket's name is too long"));
}

static void nobody_listens(void **state) {
    char url[64];
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof here;
    (void)state;
    need_curl();
    int taken = socket(AF_INET, SOCK_STREAM, 0); /* bound, and never listening */
    assert_int_equal(bind(taken, (struct sockaddr *)&here, size), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&here, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(here.sin_port));
    assert_non_null(strstr(fetch(url, 0, 0), "onnect"));
    close(taken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),        cmocka_unit_test(sockets), cmocka_unit_test(failures),
        cmocka_unit_test(slow_servers), cmocka_unit_test(names),   cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
