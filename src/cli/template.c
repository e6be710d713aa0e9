/*
 * Templates of what `sensorhost new` makes. They are files beside the
 * library that they are written against, installed with it, so that they can
 * be read, linted and tried like any other Lua.
 */
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"
#include "base/xalloc.h"

#define TEMPLATE_MAX (64 * 1024)

/* The length of the word at s: capitals and underscores. */
static size_t
word_len(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
}

/* Appends a word, or what takes its place. */
static void
put_word(struct buf *out, const char *s, size_t len,
    const struct template_word *words)
{
	for (; words->word; words++) {
		if (strlen(words->word) == len &&
		    memcmp(words->word, s, len) == 0) {
			buf_puts(out, words->text);
			return;
		}
	}
	buf_put(out, s, len);
}

int
template_expand(struct buf *out, const char *name,
    const struct template_word *words, struct err *e)
{
	char *path = xasprintf("%s/templates/%s", paths_lua_dir(), name);
	struct buf text = {0};
	int rc = file_read(path, TEMPLATE_MAX, &text, e);
	const char *s = rc == 0 ? buf_cstr(&text) : "";
	size_t n;

	while (*s) {
		if ((n = word_len(s)) > 0)
			put_word(out, s, n, words);
		else
			buf_put(out, s, n = 1);
		s += n;
	}
	free(path);
	buf_release(&text);
	return rc == 0 ? 0 : -1;
}
