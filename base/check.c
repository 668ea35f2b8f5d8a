#include "base/check.h"

#include "base/log.h"

void check_failed(const char *file, int line, const char *condition) {
    log_fatal("check failed at %s:%d: %s", file, line, condition);
}
