/*
 * The pure half of `sensorhost check`: from words to packs to findings.
 */
#include "pack/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "pack/pack_names.h"

/* True if path is a folder. */
static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder of a pack by name along packs_path; freed by the caller. */
static char *
find_by_name(const struct catalog_options *options, const char *name)
{
	char *path;
	size_t i;

	for (i = 0; i < options->packs_path_count; i++) {
		path = xasprintf("%s/%s", options->packs_path[i], name);
		if (is_folder(path))
			return path;
		free(path);
	}
	return NULL;
}

/* Says that a word is neither folder nor pack; names the nearest. */
static void
explain_word(const struct catalog_options *options, const char *word,
    struct err *e)
{
	struct pack_names names = {.count = 0};
	const char *near;
	size_t i;

	for (i = 0; i < options->packs_path_count; i++)
		pack_names_add(&names, options->packs_path[i]);
	near = pack_names_nearest(&names, word);
	err_set(e, near ? "no pack \"%.200s\"; did you mean \"%s\"?" :
	    "no pack \"%.200s\": neither a folder here nor on packs_path%s",
	    word, near ? near : "");
	pack_names_release(&names);
}

/* Adds the pack that a word means; -1 with e if it means none. */
static int
add_word(struct catalog_builder *b, const char *word,
    const struct catalog_options *options, struct err *e)
{
	char *dir;
	size_t n;

	dir = is_folder(word) ? xstrdup(word) : strchr(word, '/') ? NULL :
	    find_by_name(options, word);
	if (!dir) {
		explain_word(options, word, e);
		return -1;
	}
	for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	catalog_builder_add(b, dir);
	free(dir);
	return 0;
}

struct catalog *
check_read(char *const *words, size_t count,
    const struct catalog_options *options, struct err *e)
{
	struct catalog_options only = { .pack = options->pack };
	struct catalog_builder *b;
	size_t i;

	if (count == 0)
		return catalog_read(options);
	b = catalog_builder_new(&only);
	for (i = 0; i < count; i++) {
		if (add_word(b, words[i], options, e) < 0) {
			catalog_builder_free(&b);
			return NULL;
		}
	}
	while (catalog_builder_step(b))
		;
	return catalog_builder_finish(&b);
}
