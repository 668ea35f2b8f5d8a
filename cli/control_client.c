/* Who listens is asked of the kernel, which notes the process at listen(2): a number in a file's name proves nothing,
 * since pids are used again. A socket is stale when nobody listens, or when who did is no process any more (a child may
 * have inherited the descriptor).
 *
 * Locks: none. Allocation: malloc. */
#include "cli/control_client.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_SECONDS = 2 };

static bool is_process(pid_t pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM); }

static void set_patience(int fd, int seconds) {
    struct timeval most = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
}

/* A connection, and who is at its other end; -1 and errno. ECONNREFUSED: nobody. */
static int connect_to(const char *path, pid_t *pid) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    set_patience(fd, CONNECT_SECONDS);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                     getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (connected && peer.uid != geteuid() && peer.uid != 0 && geteuid() != 0) {
        errno = EACCES;
        connected = false;
    }
    if (connected && !is_process(peer.pid)) {
        errno = ECONNREFUSED;
        connected = false;
    }
    if (!connected) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *pid = peer.pid;
    return fd;
}

static int compare_pids(const void *left, const void *right) {
    const struct control_process *a = left, *b = right;
    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

/* 1 it is, 0 it is not, -1 not to be seen. */
static int maps_library(pid_t pid) {
    char path[64], line[4500];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "r");
    int found = 0;
    if (!file)
        return -1;
    while (!found && fgets(line, sizeof line, file))
        found = strstr(line, "/libheaptap.so") != NULL;
    bool failed = ferror(file) != 0;
    fclose(file);
    return failed ? -1 : found;
}

struct list {
    struct control_process *processes;
    size_t count, room;
    bool failed;
};

static void add_process(struct list *list, pid_t pid, const char *path) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        void *grown = realloc(list->processes, room * sizeof *list->processes);
        list->failed |= !grown;
        if (!grown)
            return;
        list->processes = grown;
        list->room = room;
    }
    struct control_process *process = &list->processes[list->count++];
    process->pid = pid;
    strcpy(process->path, path);
}

/* In a folder of our own alone: whoever owns another one could put something else in the place of the file meanwhile.
 */
static void remove_stale(const char *path) {
    char folder[CONTROL_PLACE_MAX];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    if (lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid())
        unlink(path);
}

static void add_listening(struct list *list) {
    struct control_places places;
    list->failed |= !control_places_find(&places, 0);
    for (size_t i = 0; i < places.count; i++) {
        pid_t pid;
        int fd = connect_to(places.paths[i], &pid);
        if (fd >= 0)
            add_process(list, pid, places.paths[i]);
        else if (errno == ECONNREFUSED)
            remove_stale(places.paths[i]);
        if (fd >= 0)
            close(fd);
    }
    control_places_free(&places);
}

static void add_silent(struct list *list) {
    size_t listening = list->count;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        bool known = false;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        for (size_t i = 0; i < listening; i++)
            known |= list->processes[i].pid == pid;
        if (pid > 0 && !known && maps_library(pid) == 1)
            add_process(list, pid, "");
    }
    if (folder)
        closedir(folder);
}

bool control_client_list(struct control_process **processes, size_t *count) {
    struct list list = {NULL, 0, 0, false};
    add_listening(&list);
    add_silent(&list);
    if (list.count)
        qsort(list.processes, list.count, sizeof *list.processes, compare_pids);
    *processes = list.processes;
    *count = list.count;
    return !list.failed;
}

static void explain_absence(pid_t pid, char *error) {
    char value[CONTROL_PLACE_MAX];
    if (!is_process(pid)) {
        snprintf(error, CONTROL_TEXT_MAX, "no process %d", (int)pid);
        return;
    }
    int mapped = maps_library(pid);
    if (mapped < 0)
        snprintf(error, CONTROL_TEXT_MAX, "cannot look at process %d: Permission denied", (int)pid);
    else if (mapped == 0)
        snprintf(error, CONTROL_TEXT_MAX, "process %d does not run under libheaptap.so", (int)pid);
    else if (control_places_setting(pid, "HEAPTAP_CONTROL", value, sizeof value) && strcmp(value, "off") == 0)
        snprintf(error, CONTROL_TEXT_MAX, "process %d was started with HEAPTAP_CONTROL=off", (int)pid);
    else
        snprintf(error, CONTROL_TEXT_MAX,
                 "process %d has no control socket yet: it makes one when it has run for a second and allocates; with "
                 "HEAPTAP_CONTROL set it makes one at its start",
                 (int)pid);
}

bool control_client_find(pid_t pid, struct control_process *out, char error[CONTROL_TEXT_MAX]) {
    struct control_places places;
    bool found = false;
    if (!control_places_find(&places, pid)) {
        snprintf(error, CONTROL_TEXT_MAX, "out of memory");
        return false;
    }
    for (size_t i = 0; i < places.count && !found; i++) {
        int fd = connect_to(places.paths[i], &out->pid);
        if (fd < 0)
            continue;
        close(fd);
        found = out->pid == pid;
        strcpy(out->path, places.paths[i]);
    }
    control_places_free(&places);
    if (!found)
        explain_absence(pid, error);
    return found;
}

/* Up to the end of line. False at the connection's end before it, or when the time is over. */
static bool read_line(int fd, char *out, size_t size) {
    size_t length = 0;
    while (length < size - 1) {
        ssize_t n = recv(fd, out + length, size - 1 - length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ECONNRESET : errno;
            return false;
        }
        length += (size_t)n;
        out[length] = '\0';
        char *end = strchr(out, '\n');
        if (end) {
            *end = '\0';
            return true;
        }
    }
    errno = EMSGSIZE;
    return false;
}

static bool send_line(int fd, const char *line) {
    char text[CONTROL_TEXT_MAX];
    size_t length = (size_t)snprintf(text, sizeof text, "%s\n", line);
    if (length >= sizeof text || strchr(line, '\n')) {
        errno = EINVAL;
        return false;
    }
    return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

bool control_client_ask(const struct control_process *process, const char *line, int seconds,
                        char answer[CONTROL_TEXT_MAX], char error[CONTROL_TEXT_MAX]) {
    char text[CONTROL_TEXT_MAX];
    pid_t pid;
    int fd = connect_to(process->path, &pid);
    if (fd < 0 || pid != process->pid) {
        snprintf(error, CONTROL_TEXT_MAX, "process %d has ended", (int)process->pid);
        if (fd >= 0)
            close(fd);
        return false;
    }
    set_patience(fd, seconds);
    bool done = send_line(fd, line) && read_line(fd, text, sizeof text);
    int failure = errno;
    close(fd);
    if (!done) {
        snprintf(error, CONTROL_TEXT_MAX, "process %d does not answer: %s", (int)process->pid,
                 failure == EAGAIN ? "it may be stopped" : strerror(failure));
        return false;
    }
    if (strncmp(text, "ok ", 3) == 0) {
        memcpy(answer, text + 3, strlen(text + 3) + 1);
        return true;
    }
    const char *what = strncmp(text, "error ", 6) == 0 ? text + 6 : text;
    memcpy(error, what, strlen(what) + 1);
    return false;
}

void control_client_value(const char *answer, const char *name, char *out, size_t size) {
    size_t length = strlen(name);
    *out = '\0';
    for (const char *p = answer; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
        if (strncmp(p, name, length) != 0 || p[length] != '=')
            continue;
        const char *value = p + length + 1;
        size_t end = strcmp(name, "program") == 0 ? strlen(value) : strcspn(value, " ");
        end = end < size - 1 ? end : size - 1;
        memcpy(out, value, end);
        out[end] = '\0';
        return;
    }
}
