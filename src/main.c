/*
 * Picks the role: core (run, check), spawner, or a command of the short-lived
 * client. Must do nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "core/core.h"
#include "core/front.h"
#include "core/roles.h"
#include "worker/spawner.h"

#define SPAWNER_FD 3

/* What can be typed: one or two words. */
static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"run", role_run, "run one sensor in the foreground"},
	{"serve", role_serve, "run all enabled sensors"},
	{"check", role_check, "validate packs and load their sensors"},
	{"status", cmd_status, "show how the running host does"},
	{"reload", cmd_reload, "take edited packs into the running host"},
	{"sensor list", cmd_sensor_list, "list sensors and their states"},
	{"sensor get", cmd_sensor_get, "show all of one sensor"},
	{"sensor enable", cmd_sensor_enable, "enable a sensor for good"},
	{"sensor disable", cmd_sensor_disable, "disable a sensor for good"},
	{"sensor restart", cmd_sensor_restart, "start a sensor afresh"},
	{"export", cmd_export, "print the journal as JSON lines"},
	{"backup", cmd_backup, "copy a consistent snapshot of the data"},
	{"key generate", cmd_key_generate, "make a key for sealed values"},
	{"new pack", cmd_new_pack, "make a pack to begin with"},
	{"new sensor", cmd_new_sensor, "make a sensor in a pack"},
	{"migrate", cmd_migrate, "copy a StackStorm pack, with Lua skeletons"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Writes what commands there are. */
static void
print_help(FILE *to)
{
	size_t i;

	fprintf(to, "usage: sensorhost COMMAND [options]\n\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-14s %s\n", commands[i].name,
		    commands[i].summary);
	fprintf(to, "\nsensorhost COMMAND --help tells more; --version "
	    "says which version this is.\n");
}

/* How many words of argv the name takes; 0: it is another command. */
static int
match(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t first = space ? (size_t)(space - name) : strlen(name);

	if (argc < 1 || strlen(argv[0]) != first ||
	    memcmp(argv[0], name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

/* Says that there is no such command. */
static int
unknown(int argc, char **argv)
{
	const char *names[COMMANDS], *near;
	char word[64];
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	snprintf(word, sizeof(word), "%s%s%s", argv[0], argc > 1 &&
	    argv[1][0] != '-' ? " " : "", argc > 1 && argv[1][0] != '-' ?
	    argv[1] : "");
	near = nearest(word, names, COMMANDS);
	if (!near)
		near = nearest(argv[0], names, COMMANDS);
	fprintf(stderr, "sensorhost: unknown command \"%s\"%s%s%s; see: "
	    "sensorhost --help\n", argv[0], near ? "; did you mean \"" : "",
	    near ? near : "", near ? "\"?" : "");
	return 2;
}

int
main(int argc, char **argv)
{
	size_t i;
	int words;

	if (argc == 2 && strcmp(argv[1], "--spawner") == 0)
		return spawner_main(SPAWNER_FD);
	core_block_signals();
	front_offer(&api_routes);
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sensorhost %s\n", SENSORHOST_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return 0;
	}
	for (i = 0; i < COMMANDS; i++) {
		words = match(commands[i].name, argc - 1, argv + 1);
		if (words > 0)
			return commands[i].main(argc - 1 - words,
			    argv + 1 + words);
	}
	return unknown(argc - 1, argv + 1);
}
