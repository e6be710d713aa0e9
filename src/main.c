/*
 * Picks the role: core (run, check), spawner, or a command of the short-lived
 * client. Must do nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "core/roles.h"
#include "core/system/front.h"
#include "core/system/signals.h"
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
	{"journal stat", cmd_journal_stat, "show what the data folder holds"},
	{"journal verify", cmd_journal_verify, "compare all of it with its "
	    "checksums"},
	{"backup", cmd_backup, "copy a consistent snapshot of the data"},
	{"key generate", cmd_key_generate, "make a key for sealed values"},
	{"new pack", cmd_new_pack, "make a pack to begin with"},
	{"new sensor", cmd_new_sensor, "make a sensor in a pack"},
	{"migrate", cmd_migrate, "copy a StackStorm pack, with Lua skeletons"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/*
 * Words of other versions, which messages and manuals name: what there is of
 * them today. No verb is any of the noun's.
 */
static const struct {
	const char *noun;
	const char *verb;
	const char *today;
} later[] = {
	{"dead-letter", NULL, "`sensorhost export --dead-letters` prints them"},
	{"trigger-instance", NULL, "`sensorhost export` prints them"},
	{"tail", NULL, "`sensorhost export --follow` prints triggers as they "
	    "come"},
	{"top", NULL, "`sensorhost status` and `sensor list` show figures"},
	{"key", "list", "`sensorhost export --datastore` prints the items"},
	{"key", "get", "`sensorhost export --datastore` prints the items"},
	{"key", "set", "a sensor can: service:set_value(name, value, 0, "
	    "false, encrypt)"},
	{"key", "delete", "a sensor can: service:delete_value(name, false)"},
	{"key", "load", "a sensor can: service:set_value(name, value, 0, "
	    "false, encrypt)"},
	{"key", "rotate", NULL},
	{"trigger", NULL, NULL}, {"consumer", NULL, NULL},
	{"webhook", NULL, NULL}, {"apikey", NULL, NULL},
	{"rule", NULL, NULL}, {"execution", NULL, NULL},
};
#define LATER (sizeof(later) / sizeof(later[0]))

/* Whether it is a role of core, which takes signals by itself. */
static bool
is_role(int (*fn)(int argc, char **argv))
{
	return fn == role_run || fn == role_serve || fn == role_check;
}

/* Whether a command's name begins with the noun; NULL is every noun. */
static bool
has_noun(const char *name, const char *noun)
{
	size_t len = noun ? strlen(noun) : 0;

	return !noun || (strncmp(name, noun, len) == 0 && name[len] == ' ');
}

/* Writes what commands there are, or those of a noun; how many. */
static size_t
print_commands(FILE *to, const char *noun)
{
	size_t i, n = 0;

	for (i = 0; i < COMMANDS; i++)
		if (has_noun(commands[i].name, noun) && ++n)
			fprintf(to, "  %-14s %s\n", commands[i].name,
			    commands[i].summary);
	return n;
}

/* Writes the help. */
static void
print_help(FILE *to)
{
	fprintf(to, "usage: sensorhost COMMAND [options]\n\n");
	print_commands(to, NULL);
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

/* What a noun without its verb gets; -1: it is no noun. */
static int
noun_alone(int argc, char **argv)
{
	bool help = argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0);
	FILE *to = help ? stdout : stderr;
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (has_noun(commands[i].name, argv[0]))
			break;
	if (i == COMMANDS || (argc > 1 && argv[1][0] != '-'))
		return -1;
	if (help)
		fprintf(to, "usage: sensorhost %s VERB [options]\n\n",
		    argv[0]);
	else
		fprintf(to, "sensorhost: \"%s\" needs a verb, one of\n",
		    argv[0]);
	print_commands(to, argv[0]);
	return help ? 0 : 2;
}

/* Says that a command is not in this version; false: it is none of those. */
static bool
not_yet(int argc, char **argv)
{
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
	size_t i;

	for (i = 0; i < LATER; i++)
		if (strcmp(later[i].noun, argv[0]) == 0 && (!later[i].verb ||
		    (verb && strcmp(later[i].verb, verb) == 0)))
			break;
	if (i == LATER)
		return false;
	fprintf(stderr, "sensorhost: \"%s%s%s\" is not in version %s yet%s%s; "
	    "see: sensorhost --help\n", argv[0], later[i].verb ? " " : "",
	    later[i].verb ? later[i].verb : "", SENSORHOST_VERSION,
	    later[i].today ? "; " : "", later[i].today ? later[i].today : "");
	return true;
}

/* Says that there is no such command. */
static int
unknown(int argc, char **argv)
{
	const char *names[COMMANDS + 2], *near;
	bool verb = argc > 1 && argv[1][0] != '-';
	char word[64];
	size_t i;

	if (not_yet(argc, argv))
		return 2;
	for (i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	names[i++] = "--version";
	names[i++] = "--help";
	snprintf(word, sizeof(word), "%s%s%s", argv[0], verb ? " " : "",
	    verb ? argv[1] : "");
	near = nearest(word, names, i);
	if (!near)
		near = nearest(argv[0], names, i);
	fprintf(stderr, "sensorhost: unknown %s \"%s\"%s%s%s see: "
	    "sensorhost --help\n", *argv[0] == '-' ? "option" : "command",
	    near && strchr(near, ' ') ? word : argv[0],
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : ";");
	return 2;
}

/*
 * A standard descriptor that is closed would be the number of the next file
 * that is opened, such as the database, and what is printed would go there.
 * One that is for reading takes its place: writing fails as it would have.
 */
static void
keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/*
 * What was printed is out, or the command has failed. A reader that has gone
 * wants no more; that is no failure.
 */
static int
finish(int code)
{
	bool before = ferror(stdout);
	int now = fflush(stdout) != 0 ? errno : 0;

	if (code != 0 || (!before && now == 0) || now == EPIPE)
		return code;
	fprintf(stderr, "sensorhost: cannot write to the standard output%s%s\n",
	    now ? ": " : "", now ? strerror(now) : "");
	return 1;
}

/* Does what the words say; returns the exit code. */
static int
act(int argc, char **argv)
{
	size_t i;
	int words;

	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("sensorhost %s\n", SENSORHOST_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	for (i = 0; i < COMMANDS; i++) {
		words = match(commands[i].name, argc - 1, argv + 1);
		if (words == 0)
			continue;
		if (!is_role(commands[i].main))
			signals_unblock();
		return commands[i].main(argc - 1 - words, argv + 1 + words);
	}
	words = noun_alone(argc - 1, argv + 1);
	return words >= 0 ? words : unknown(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--spawner") == 0)
		return spawner_main(SPAWNER_FD);
	signals_block();
	keep_standard_descriptors();
	front_offer(&api_routes);
	return finish(act(argc, argv));
}
