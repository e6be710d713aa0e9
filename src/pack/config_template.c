/*
 * The parser of datastore templates: a small part of Jinja, the one that
 * configurations use. What else Jinja could do is refused by name, never
 * passed through. Pure; a fuzz target.
 */
#include "pack/config_template.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define SPACES " \t\r\n"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789_.-:"

bool
template_is(const char *text)
{
	return strstr(text, "{{") || strstr(text, "{%");
}

/* A new part at the end. */
static struct template_part *
part_new(struct template *t)
{
	struct template_part *part;

	t->parts = xreallocarray(t->parts, t->count + 1, sizeof(*t->parts));
	part = &t->parts[t->count++];
	memset(part, 0, sizeof(*part));
	return part;
}

/* Puts n bytes of literal text behind the template. */
static void
literal_add(struct template *t, const char *text, size_t n)
{
	if (n)
		part_new(t)->text = xstrndup(text, n);
}

static void
skip_spaces(const char **at)
{
	*at += strspn(*at, SPACES);
}

/* Eats a word if it comes next and ends there. */
static bool
eat(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

/* Eats ["text"] or ['text']; returns the text, or NULL. */
static char *
eat_subscript(const char **at)
{
	const char *p = *at, *end;
	char quote, *text;

	if (*p++ != '[')
		return NULL;
	skip_spaces(&p);
	quote = *p++;
	if (quote != '"' && quote != '\'')
		return NULL;
	end = strchr(p, quote);
	if (!end || end == p)
		return NULL;
	text = xstrndup(p, (size_t)(end - p));
	p = end + 1;
	skip_spaces(&p);
	if (*p != ']') {
		free(text);
		return NULL;
	}
	*at = p + 1;
	return text;
}

/* Eats one step, .word of those characters or a subscript; or NULL. */
static char *
eat_step(const char **at, const char *chars)
{
	char *word;
	size_t n;

	if (**at != '.')
		return eat_subscript(at);
	n = strspn(*at + 1, chars);
	word = n ? xstrndup(*at + 1, n) : NULL;
	*at += n ? 1 + n : 0;
	return word;
}

/* Eats the scope and the name behind st2kv, or the name behind a scope. */
static bool
eat_path(const char **at, struct template_part *part)
{
	if (eat(at, "st2kv")) {
		part->scope = eat_step(at, "abcdefghijklmnopqrstuvwxyz");
	} else if (strncmp(*at, "system.", 7) == 0 ||
	    strncmp(*at, "user.", 5) == 0) {
		part->old_form = true;
		part->scope = xstrndup(*at, strcspn(*at, "."));
		*at += strlen(part->scope);
	}
	if (!part->scope || (strcmp(part->scope, "system") != 0 &&
	    strcmp(part->scope, "user") != 0))
		return false;
	part->name = eat_step(at, NAME_CHARS);
	return part->name != NULL;
}

/* Eats the filters; only decrypt_kv is one. */
static int
eat_filters(const char **at, struct template_part *part, struct err *e)
{
	for (skip_spaces(at); eat(at, "|"); skip_spaces(at)) {
		skip_spaces(at);
		if (!eat(at, "decrypt_kv"))
			return err_set(e, "the filter \"%.*s\" is not known; "
			    "only decrypt_kv is", (int)strcspn(*at, " |}("),
			    *at);
		part->decrypt = true;
	}
	return 0;
}

/* Reads what stands between {{ and }}. */
static int
expression_parse(struct template *t, const char *text, struct err *e)
{
	struct template_part *part = part_new(t);
	const char *at = text;

	skip_spaces(&at);
	if (!eat_path(&at, part))
		return err_set(e, "\"{{%.60s}}\" is not understood; write "
		    "{{ st2kv.system.NAME }} or {{ st2kv.user.NAME }}", text);
	if (eat_filters(&at, part, e) < 0)
		return -1;
	if (*at)
		return err_set(e, "\"%.40s\" in \"{{%.60s}}\" is not "
		    "understood; nothing but | decrypt_kv may follow the name",
		    at, text);
	return 0;
}

/* Reads the expression that begins at text; returns what follows it. */
static const char *
expression_take(struct template *t, const char *text, struct err *e)
{
	const char *end = strstr(text + 2, "}}");
	char *inner;
	int rc;

	if (!end) {
		err_set(e, "the template \"%.60s\" never ends; \"}}\" is "
		    "missing", text);
		return NULL;
	}
	if (t->count >= TEMPLATE_PARTS_MAX) {
		err_set(e, "more than %d parts in one template",
		    TEMPLATE_PARTS_MAX);
		return NULL;
	}
	inner = xstrndup(text + 2, (size_t)(end - text - 2));
	rc = expression_parse(t, inner, e);
	free(inner);
	return rc == 0 ? end + 2 : NULL;
}

int
template_parse(struct template *t, const char *text, struct err *e)
{
	const char *open;

	memset(t, 0, sizeof(*t));
	if (strstr(text, "{%"))
		return err_set(e, "\"{%%\" begins a statement, which is not "
		    "supported; only {{ st2kv.system.NAME }} is");
	while (text && (open = strstr(text, "{{"))) {
		literal_add(t, text, (size_t)(open - text));
		text = expression_take(t, open, e);
	}
	if (!text) {
		template_release(t);
		return -1;
	}
	literal_add(t, text, strlen(text));
	return 0;
}

void
template_release(struct template *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		free(t->parts[i].text);
		free(t->parts[i].scope);
		free(t->parts[i].name);
	}
	free(t->parts);
	memset(t, 0, sizeof(*t));
}
