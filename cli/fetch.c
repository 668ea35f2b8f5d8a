/* libcurl does it, loaded when the first URL is met: a heapdiff of two files does not pay for its start, and needs it
 * neither to be built nor to run.
 *
 *   1. take the name apart: socket, URL with a path
 *   2. load libcurl, and find the few functions that are called
 *   3. one transfer into a file in memory, by http and https alone, whatever a redirect says
 *   4. the reason of a failure as one line
 *
 * Locks: none; one thread. Allocation: malloc, libcurl's. */
#include "cli/fetch.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/curl_numbers.h"

enum { MOST_REDIRECTS = 10, CONNECT_MS = 10 * 1000, USUAL_SECONDS = 60, QUIET_SECONDS = 2, MS = 1000000 };

static const uint64_t usual_most = 1ull << 30;
static const char usual_path[] = "/debug/pprof/heap";

struct curl {
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    int (*easy_setopt)(void *handle, int option, ...);
    int (*easy_perform)(void *handle);
    int (*easy_getinfo)(void *handle, int info, ...);
    const char *(*easy_strerror)(int code);
    void (*easy_cleanup)(void *handle);
};

struct address {
    char *socket; /* NULL = by network */
    char *url;
};

struct transfer {
    int fd;
    uint64_t most, size;
    const char *failure; /* of ours, which libcurl sees as a refusal to go on */
    char name[FETCH_NAME_SIZE];
    struct timespec begin;
    bool is_tty, is_shown;
};

bool fetch_is_url(const char *name) {
    return strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0 || strncmp(name, "unix:", 5) == 0;
}

char *fetch_name(const char *url, char out[FETCH_NAME_SIZE]) {
    char shown[FETCH_NAME_SIZE];
    const char *host = strstr(url, "://");
    const char *rest = host ? host + 3 : url, *user = host ? memchr(rest, '@', strcspn(rest, "/?#")) : NULL;
    snprintf(shown, sizeof shown, "%.*s%s", (int)(rest - url), url, user ? user + 1 : rest);
    text_clean(out, FETCH_NAME_SIZE, shown);
    return out;
}

static int fail(const char *url, char error[FETCH_ERROR_SIZE], const char *why, const char *subject) {
    char name[FETCH_NAME_SIZE], clean[FETCH_NAME_SIZE];
    text_clean(clean, sizeof clean, subject);
    snprintf(error, FETCH_ERROR_SIZE, "cannot fetch '%s': %s%s", fetch_name(url, name), why, clean);
    return -1;
}

/* ---- step 1 ---- */

/* http://host?gc=1 has no path either. */
static bool split_network(const char *url, struct address *address) {
    const char *host = strstr(url, "://") + 3;
    size_t length = strcspn(host, "/?#");
    const char *rest = host + length;
    bool has_path = *rest == '/' && rest[1] && rest[1] != '?' && rest[1] != '#';
    if (has_path)
        return (address->url = strdup(url)) != NULL;
    return asprintf(&address->url, "%.*s%s%s", (int)(rest - url), url, usual_path, rest + (*rest == '/')) >= 0;
}

/* The socket's name ends at the last ":/". */
static bool split_socket(const char *name, struct address *address) {
    const char *path = NULL;
    for (const char *p = name; (p = strstr(p, ":/")); p++)
        path = p;
    address->socket = path ? strndup(name, (size_t)(path - name)) : strdup(name);
    return address->socket &&
           asprintf(&address->url, "http://localhost%s", path && path[2] ? path + 1 : usual_path) >= 0;
}

static const char *check_address(const char *url, const struct address *address) {
    if (address->socket && !*address->socket)
        return "no socket is named";
    if (address->socket && strlen(address->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return "the socket's name is too long";
    if (!address->socket && strchr("/?#", strstr(url, "://")[3]))
        return "no host is named";
    return NULL;
}

/* ---- step 2 ---- */

static bool find_functions(void *library, struct curl *curl) {
    const struct {
        void **function;
        const char *name;
    } all[] = {
        {(void **)&curl->global_init, "curl_global_init"},   {(void **)&curl->easy_init, "curl_easy_init"},
        {(void **)&curl->easy_setopt, "curl_easy_setopt"},   {(void **)&curl->easy_perform, "curl_easy_perform"},
        {(void **)&curl->easy_getinfo, "curl_easy_getinfo"}, {(void **)&curl->easy_strerror, "curl_easy_strerror"},
        {(void **)&curl->easy_cleanup, "curl_easy_cleanup"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(*all[i].function = dlsym(library, all[i].name)))
            return false;
    return true;
}

/* The library stays: it may have started threads. */
static const struct curl *load_curl(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"};
    static struct curl curl;
    static bool is_loaded;
    void *library = NULL;
    if (is_loaded)
        return &curl;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    is_loaded = library && find_functions(library, &curl) && curl.global_init(CURL_GLOBAL_DEFAULT_FLAGS) == 0;
    return is_loaded ? &curl : NULL;
}

/* ---- step 3 ---- */

static size_t take_bytes(const char *bytes, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    size_t size = one * count, done = 0;
    transfer->size += size;
    if (transfer->size > transfer->most) {
        transfer->failure = "more than ";
        return 0;
    }
    while (done < size) {
        ssize_t n = write(transfer->fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            transfer->failure = strerror(errno);
            return 0;
        }
        done += (size_t)n;
    }
    return size;
}

static int show_progress(void *context, int64_t total, int64_t now, int64_t upload_total, int64_t uploaded) {
    struct transfer *transfer = context;
    struct timespec time;
    char size[32], all[32];
    (void)upload_total;
    (void)uploaded;
    if (!transfer->is_tty || clock_gettime(CLOCK_MONOTONIC, &time) != 0 ||
        time.tv_sec - transfer->begin.tv_sec <= QUIET_SECONDS)
        return 0;
    transfer->is_shown = true;
    units_format_bytes(size, sizeof size, (uint64_t)now);
    units_format_bytes(all, sizeof all, (uint64_t)total);
    fprintf(stderr, "\rfetching '%.60s': %s%s%s\033[K", transfer->name, size, total > 0 ? " of " : "",
            total > 0 ? all : "");
    return 0;
}

static void set_up(const struct curl *curl, void *handle, const struct address *address,
                   const struct fetch_settings *settings, struct transfer *transfer) {
    const uint64_t timeout = settings->timeout ? settings->timeout : USUAL_SECONDS * UINT64_C(1000000000);
    const long protocols = CURL_PROTOCOL_HTTP | CURL_PROTOCOL_HTTPS;
    const struct {
        int option;
        long value;
    } numbers[] = {
        {CURL_OPTION_NO_SIGNAL, 1},
        {CURL_OPTION_FAIL_ON_ERROR, 1},
        {CURL_OPTION_FOLLOW_LOCATION, 1},
        {CURL_OPTION_MAX_REDIRECTS, MOST_REDIRECTS},
        {CURL_OPTION_PROTOCOLS, protocols},
        {CURL_OPTION_REDIRECT_PROTOCOLS, protocols},
        {CURL_OPTION_CONNECT_TIMEOUT_MS, CONNECT_MS},
        {CURL_OPTION_TIMEOUT_MS, (long)(timeout / MS ? timeout / MS : 1)},
        {CURL_OPTION_NO_PROGRESS, !transfer->is_tty},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        curl->easy_setopt(handle, numbers[i].option, numbers[i].value);
    curl->easy_setopt(handle, CURL_OPTION_URL, address->url);
    curl->easy_setopt(handle, CURL_OPTION_USER_AGENT, "heapdiff/" HEAPTAP_VERSION);
    curl->easy_setopt(handle, CURL_OPTION_WRITE_FUNCTION, take_bytes);
    curl->easy_setopt(handle, CURL_OPTION_WRITE_DATA, transfer);
    curl->easy_setopt(handle, CURL_OPTION_XFERINFO_FUNCTION, show_progress);
    curl->easy_setopt(handle, CURL_OPTION_XFERINFO_DATA, transfer);
    if (settings->ca_file)
        curl->easy_setopt(handle, CURL_OPTION_CA_FILE, settings->ca_file);
    if (address->socket) {
        curl->easy_setopt(handle, CURL_OPTION_UNIX_SOCKET_PATH, address->socket);
        curl->easy_setopt(handle, CURL_OPTION_PROXY, ""); /* whatever the environment says */
    }
}

/* ---- step 4 ---- */

static int describe(const struct curl *curl, void *handle, int code, const char *url, const struct transfer *transfer,
                    char text[CURL_ERROR_TEXT_SIZE], char error[FETCH_ERROR_SIZE]) {
    long status = 0;
    char number[32];
    if (transfer->failure && transfer->size > transfer->most)
        return fail(url, error, transfer->failure, units_format_bytes(number, sizeof number, transfer->most));
    if (transfer->failure)
        return fail(url, error, "", transfer->failure);
    if (code == CURL_CODE_HTTP_ERROR && curl->easy_getinfo(handle, CURL_INFO_RESPONSE_CODE, &status) == 0) {
        snprintf(number, sizeof number, "%ld", status);
        return fail(url, error, "HTTP status ", number);
    }
    if (!*text)
        snprintf(text, CURL_ERROR_TEXT_SIZE, "%s", curl->easy_strerror(code));
    text[strcspn(text, "\r\n")] = '\0';
    if (islower((unsigned char)text[1])) /* not "SSL" */
        text[0] = (char)tolower((unsigned char)text[0]);
    return fail(url, error, "", text);
}

static int transfer_to(const struct curl *curl, const char *url, const struct fetch_settings *settings,
                       const struct address *address, struct transfer *transfer, char error[FETCH_ERROR_SIZE]) {
    char text[CURL_ERROR_TEXT_SIZE] = "";
    void *handle = curl->easy_init();
    if (!handle)
        return fail(url, error, "out of memory", "");
    set_up(curl, handle, address, settings, transfer);
    curl->easy_setopt(handle, CURL_OPTION_ERROR_BUFFER, text);
    int code = curl->easy_perform(handle);
    if (transfer->is_shown)
        fputs("\r\033[K", stderr);
    int result = code ? describe(curl, handle, code, url, transfer, text, error) : 0;
    curl->easy_cleanup(handle);
    return result;
}

int fetch_open(const char *url, const struct fetch_settings *settings, char error[FETCH_ERROR_SIZE]) {
    struct address address = {NULL, NULL};
    struct transfer transfer = {.most = settings->most ? settings->most : usual_most, .is_tty = isatty(STDERR_FILENO)};
    const struct curl *curl = NULL;
    const char *wrong;
    bool is_socket = strncmp(url, "unix:", 5) == 0;
    int result = -1;
    fetch_name(url, transfer.name);
    clock_gettime(CLOCK_MONOTONIC, &transfer.begin);
    transfer.fd = memfd_create("heapdiff", MFD_CLOEXEC);
    if (!(is_socket ? split_socket(url + 5, &address) : split_network(url, &address)))
        fail(url, error, "out of memory", "");
    else if ((wrong = check_address(url, &address)))
        fail(url, error, wrong, "");
    else if (transfer.fd < 0)
        fail(url, error, "", strerror(errno));
    else if (!(curl = load_curl()))
        fail(url, error, "libcurl.so.4 is not installed", "");
    else
        result = transfer_to(curl, url, settings, &address, &transfer, error);
    free(address.socket);
    free(address.url);
    if (result == 0 && lseek(transfer.fd, 0, SEEK_SET) == 0)
        return transfer.fd;
    if (transfer.fd >= 0)
        close(transfer.fd);
    return -1;
}
