/* Files that are whole or not there: success, every refusal, a writer that fails in the middle, a full
 * descriptor. */
#include "profiler/dump_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

static char directory[64];

static int setup(void **state) {
    (void)state;
    strcpy(directory, "/tmp/heaptap-test-XXXXXX");
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return chdir("/") == 0 ? system(command) : -1;
}

static int fill_text(writer_sink sink, void *context, void *argument) {
    const char *text = argument;
    for (int i = 0; i < 1000; i++) {
        int error = sink(context, text, strlen(text));
        if (error)
            return error;
    }
    return 0;
}

static int fill_and_fail(writer_sink sink, void *context, void *argument) {
    int error = sink(context, "half", 4);
    return error ? error : *(int *)argument;
}

static size_t count_files(void) {
    DIR *open_directory = opendir(".");
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(open_directory));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(open_directory);
    return count;
}

static char text[] = "line\n";

static void test_success(void **state) {
    struct dump_file file;
    struct stat status;
    (void)state;
    assert_int_equal(dump_file_write("a", fill_text, text, &file), 0);
    assert_int_equal(dump_file_write("a", fill_text, text, &file), 0);
    assert_int_equal(stat("a", &status), 0);
    assert_int_equal(status.st_size, 5000);
    assert_int_equal(file.size, 5000);
    assert_int_equal(file.inode, status.st_ino);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(count_files(), 1);
    dump_file_remove("a", &file);
    assert_int_equal(count_files(), 0);
}

static void test_refusals_touch_nothing(void **state) {
    struct dump_file file;
    struct stat status;
    (void)state;
    assert_int_equal(dump_file_write("no/where", fill_text, text, &file), ENOENT);
    assert_int_equal(mkdir("d", 0700) | mkfifo("f", 0600) | symlink("target", "l"), 0);
    assert_int_equal(dump_file_write("d", fill_text, text, &file), EEXIST);
    assert_int_equal(dump_file_write("f", fill_text, text, &file), EEXIST);
    assert_int_equal(dump_file_write("l", fill_text, text, &file), ELOOP);
    assert_int_equal(lstat("l", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(lstat("target", &status), -1);
    assert_int_equal(count_files(), 3);
    assert_int_equal(rmdir("d") | unlink("f") | unlink("l"), 0);
}

static void test_failure_leaves_the_old_file(void **state) {
    struct dump_file file;
    struct stat status;
    int error = ENOSPC;
    (void)state;
    assert_int_equal(dump_file_write("a", fill_text, text, &file), 0);
    assert_int_equal(dump_file_write("a", fill_and_fail, &error, &file), ENOSPC);
    assert_int_equal(stat("a", &status), 0);
    assert_int_equal(status.st_size, 5000);
    assert_int_equal(count_files(), 1);
    unlink("a");
}

/* A limit on file sizes raises SIGXFSZ, whose default ends the program. */
static void test_size_limit_is_an_error(void **state) {
    struct rlimit old, small;
    struct dump_file file;
    sigset_t pending;
    (void)state;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &small);
    int error = dump_file_write("a", fill_text, text, &file);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(error, EFBIG);
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGXFSZ));
    assert_int_equal(count_files(), 0);
}

static void test_broken_pipe_is_an_error(void **state) {
    int ends[2];
    uint64_t size;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(dump_file_write_fd(ends[1], fill_text, text, &size), EPIPE);
    assert_int_equal(dump_file_write_fd(ends[0], fill_text, text, &size), EBADF);
    close(ends[1]);
    int full = open("/dev/full", O_WRONLY);
    assert_int_equal(dump_file_write_fd(full, fill_text, text, &size), ENOSPC);
    close(full);
}

static void test_only_our_own_file_is_removed(void **state) {
    struct dump_file file;
    (void)state;
    assert_int_equal(dump_file_write("a", fill_text, text, &file), 0);
    assert_int_equal(rename("a", "b"), 0);
    close(open("a", O_CREAT | O_WRONLY, 0600));
    dump_file_remove("a", &file);
    assert_int_equal(count_files(), 2);
    unlink("a");
    unlink("b");
}

static void test_error_texts(void **state) {
    (void)state;
    assert_string_equal(dump_file_error_text(ENOSPC), strerror(ENOSPC));
    assert_string_equal(dump_file_error_text(EROFS), strerror(EROFS));
    assert_string_equal(dump_file_error_text(12345), "unexpected error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_refusals_touch_nothing),
        cmocka_unit_test(test_failure_leaves_the_old_file),
        cmocka_unit_test(test_size_limit_is_an_error),
        cmocka_unit_test(test_broken_pipe_is_an_error),
        cmocka_unit_test(test_only_our_own_file_is_removed),
        cmocka_unit_test(test_error_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
