/* heapdiff trend: how fast rows grow over many profiles. */
#ifndef HEAPTAP_CLI_TREND_COMMAND_H
#define HEAPTAP_CLI_TREND_COMMAND_H

#include "cli/commands.h"

int command_trend(const struct request *request, struct heapprofile_error *error);

#endif
