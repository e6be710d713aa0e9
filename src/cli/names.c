/*
 * Names: what may be one, and how one kind is made from another. Called by
 * `new` and `migrate`; pure.
 */
#include "cli/names.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define NAME_MAX_BYTES 100

static const char *const keywords[] = {
	"and", "break", "do", "else", "elseif", "end", "false", "for",
	"function", "goto", "if", "in", "local", "nil", "not", "or", "repeat",
	"return", "then", "true", "until", "while",
};

/* True if all of name is in the set, and it is not empty. */
static bool
consists(const char *name, const char *set)
{
	return *name != '\0' && name[strspn(name, set)] == '\0';
}

int
name_pack_check(const char *name, struct err *e)
{
	struct buf likely = {0};
	const char *s;

	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(e, "\"%.40s...\" is too long for the name of a "
		    "pack, %d letters are enough", name, NAME_MAX_BYTES);
	if (strcmp(name, "core") == 0 || strcmp(name, "_global") == 0)
		return err_set(e, "\"%s\" is the host's own name; choose "
		    "another", name);
	if (consists(name, LOWER DIGITS "_"))
		return 0;
	for (s = name; *s; s++)
		buf_putc(&likely, strchr(LOWER UPPER DIGITS "_", *s) ?
		    (char)tolower(*s) : '_');
	err_set(e, "\"%.100s\" cannot be the name of a pack: lower-case "
	    "letters, digits and _ are; such as \"%s\"", name,
	    likely.len ? buf_cstr(&likely) : "my_pack");
	buf_release(&likely);
	return -1;
}

int
name_class_check(const char *name, struct err *e)
{
	if (strlen(name) > NAME_MAX_BYTES)
		return err_set(e, "\"%.40s...\" is too long for a class",
		    name);
	if (*name >= 'A' && *name <= 'Z' &&
	    consists(name, LOWER UPPER DIGITS "_"))
		return 0;
	return err_set(e, "\"%.100s\" cannot be the name of a class: a "
	    "capital first, then letters and digits, such as "
	    "\"StationSensor\"", name);
}

char *
name_snake(const char *name)
{
	struct buf out = {0};
	const char *s;
	char *text;

	for (s = name; *s; s++) {
		bool begins = s > name && isupper((unsigned char)*s) &&
		    s[-1] != '_' && (!isupper((unsigned char)s[-1]) ||
		    islower((unsigned char)s[1]));

		if (begins)
			buf_putc(&out, '_');
		buf_putc(&out, (char)tolower((unsigned char)*s));
	}
	text = xstrdup(buf_cstr(&out));
	buf_release(&out);
	return text;
}

/* True for a word of Lua's own. */
static bool
is_keyword(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i], name) == 0)
			return true;
	return false;
}

bool
name_is_lua(const char *name)
{
	return consists(name, LOWER UPPER DIGITS "_") &&
	    !strchr(DIGITS, *name) && !is_keyword(name);
}

char *
name_lua(const char *name)
{
	bool digit = *name != '\0' && strchr(DIGITS, *name);
	char *out = xasprintf("%s%s%s", digit || !*name ? "_" : "", name,
	    is_keyword(name) ? "_" : "");
	char *s;

	for (s = out; *s; s++)
		if (!strchr(LOWER UPPER DIGITS "_", *s))
			*s = '_';
	return out;
}
