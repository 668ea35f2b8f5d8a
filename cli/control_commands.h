/* `heaptap ps`, `heaptap dump` and `heaptap rate`. argv[0] is the command's name. */
#ifndef HEAPTAP_CLI_CONTROL_COMMANDS_H
#define HEAPTAP_CLI_CONTROL_COMMANDS_H

/* Exit status: 0, or 2 with one line on stderr. */
int control_command_ps(int argc, char **argv);
int control_command_dump(int argc, char **argv);
int control_command_rate(int argc, char **argv);

#endif
