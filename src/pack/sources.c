/*
 * The Lua files that the sensors of a pack may load, read once into memory:
 * what a worker gets later is what was digested here. Called while a pack
 * is read, and by core for each `require`. No path, `..` or symbolic link
 * leads outside the pack; counts and bytes are bounded.
 */
#include "pack/sources.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "pack/requires.h"

#define FOLDER_DEPTH_MAX 16
#define REQUIRES_MAX 1000 /* of one file; with more, any */

/* Where modules are searched, behind the sensor's own folder. */
static const char *const libraries[] = {
	"lib", "actions/lib", "lua_modules", "lua_modules/share/lua/5.1",
};

#define LIBRARY_COUNT (sizeof(libraries) / sizeof(libraries[0]))

void
lua_source_free(struct lua_source *source)
{
	free(source->path);
	free(source->file);
	free(source->chunk);
	free(source->text);
	while (source->require_count > 0)
		free(source->requires[--source->require_count]);
	free(source->requires);
	free(source);
}

/* folder/name, or name alone in the pack's own folder. */
static char *
path_join(const char *folder, const char *name)
{
	return *folder ? xasprintf("%s/%s", folder, name) : xstrdup(name);
}

/* Where a path inside the pack ("" is the pack) stands on disk. */
static char *
path_disk(const struct pack *p, const char *path)
{
	return *path ? xasprintf("%s/%s", p->dir, path) : xstrdup(p->dir);
}

char *
sources_resolve(const char *folder, const char *name)
{
	char *all, *out, *part, *rest, *slash;

	if (name[0] == '/')
		return NULL;
	all = path_join(folder, name);
	out = xcalloc(1, strlen(all) + 2);
	rest = all;
	while ((part = strsep(&rest, "/"))) {
		if (*part == '\0' || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") != 0) {
			if (*out)
				strcat(out, "/");
			strcat(out, part);
			continue;
		}
		if (*out == '\0')
			break;
		slash = strrchr(out, '/');
		*(slash ? slash : out) = '\0';
	}
	free(all);
	if (part || *out == '\0') {
		free(out);
		return NULL;
	}
	return out;
}

char *
sources_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
}

/* Where path is among the sources, or where it belongs. */
static size_t
source_at(const struct pack *p, const char *path, bool *found)
{
	size_t low = 0, high = p->source_count, mid;
	int order;

	*found = false;
	while (low < high) {
		mid = (low + high) / 2;
		order = strcmp(path, p->sources[mid]->path);
		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

const struct lua_source *
pack_source(const struct pack *p, const char *path)
{
	bool found;
	size_t i = source_at(p, path, &found);

	return found ? p->sources[i] : NULL;
}

/* Fails if what file leads to is not inside the pack. */
static int
check_inside(const struct pack *p, const char *file, struct err *e)
{
	char real[PATH_MAX];
	size_t n = strlen(p->real_dir);

	if (!realpath(file, real))
		return err_errno(e, "\"%s\" cannot be opened", file);
	if (strncmp(real, p->real_dir, n) == 0 &&
	    (real[n] == '/' || p->real_dir[n - 1] == '/'))
		return 0;
	return err_set(e, "\"%s\" leads outside the pack, to \"%s\"; copy it "
	    "into the pack", file, real);
}

/* Reads the bytes of one source; -1 with e. */
static int
source_read(const struct pack *p, const char *file, struct buf *text,
    struct err *e)
{
	if (p->source_count == PACK_SOURCES_MAX)
		return err_set(e, "pack \"%s\" has more than %d Lua files",
		    p->name, PACK_SOURCES_MAX);
	if (check_inside(p, file, e) < 0)
		return -1;
	if (file_read(file, PACK_SOURCE_MAX, text, e) != 0)
		return -1;
	if (text->len > 0 && text->data[0] == '\x1b')
		return err_set(e, "\"%s\" is bytecode; put the Lua source "
		    "there", file);
	if (p->source_bytes + text->len > PACK_SOURCES_BYTES)
		return err_set(e, "the Lua files of pack \"%s\" are larger "
		    "than %d bytes together", p->name, PACK_SOURCES_BYTES);
	return 0;
}

/* requires_fn: notes one name */
static void
note_require(void *arg, const char *name, size_t len)
{
	struct lua_source *s = arg;

	if (s->require_count == REQUIRES_MAX) {
		s->requires_more = true;
		return;
	}
	s->requires = xreallocarray(s->requires, s->require_count + 1,
	    sizeof(*s->requires));
	s->requires[s->require_count++] = xstrndup(name, len);
}

const struct lua_source *
sources_add(struct pack *p, const char *path, struct err *e)
{
	char *file = path_disk(p, path);
	struct buf text = { 0 };
	struct digest_state digest;
	struct lua_source *s;
	bool found;
	size_t at = source_at(p, path, &found);

	if (found || source_read(p, file, &text, e) < 0) {
		free(file);
		buf_release(&text);
		return found ? p->sources[at] : NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	s->file = file;
	s->chunk = xasprintf("@%s/%s", p->name, path);
	s->len = text.len;
	s->text = xmemdup(buf_cstr(&text), text.len + 1);
	buf_release(&text);
	if (!requires_scan(s->text, s->len, note_require, s))
		s->requires_more = true;
	digest_init(&digest);
	digest_str(&digest, s->path);
	digest_part(&digest, s->text, s->len);
	digest_final(&digest, s->digest);
	p->sources = xreallocarray(p->sources, p->source_count + 1,
	    sizeof(*p->sources));
	memmove(p->sources + at + 1, p->sources + at,
	    (p->source_count - at) * sizeof(*p->sources));
	p->sources[at] = s;
	p->source_count++;
	p->source_bytes += s->len;
	return s;
}

/* Takes one entry of a folder: a Lua file, or a folder to go into. */
static void
walk_entry(struct pack *p, const char *path, int depth);

/* Reads the Lua files below a folder, not following links to folders. */
static void
walk(struct pack *p, const char *folder, int depth)
{
	char *dir = path_disk(p, folder), *path;
	struct dirent **names;
	int count, i;

	count = scandir(dir, &names, NULL, alphasort);
	if (count < 0 && errno != ENOENT && errno != ENOTDIR)
		diags_add(&p->source_diags, DIAG_ERROR, dir, 0, 0,
		    "the folder cannot be read: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			path = path_join(folder, names[i]->d_name);
			walk_entry(p, path, depth);
			free(path);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	free(dir);
}

static void
walk_entry(struct pack *p, const char *path, int depth)
{
	char *file = path_disk(p, path);
	size_t len = strlen(path);
	struct stat st;
	bool folder = lstat(file, &st) == 0 && S_ISDIR(st.st_mode);
	bool lua = len > 4 && strcmp(path + len - 4, ".lua") == 0;
	struct err e;

	if ((!folder && !lua) || !diags_check_path(&p->source_diags, file)) {
		free(file);
		return;
	}
	if (folder) {
		if (depth < FOLDER_DEPTH_MAX)
			walk(p, path, depth + 1);
		else
			diags_add(&p->source_diags, DIAG_WARNING, file, 0, 0,
			    "too deep: not searched for Lua files");
	} else if (!sources_add(p, path, &e)) {
		diags_add(&p->source_diags, DIAG_ERROR, file, 0, 0, "%s",
		    e.text);
	}
	free(file);
}

void
sources_add_folder(struct pack *p, const char *folder)
{
	char *dir = path_disk(p, folder);
	struct stat st;
	struct err e;
	bool there;

	if (!p->walked)
		p->walked = json_object();
	if (json_object_get(p->walked, folder)) {
		free(dir);
		return;
	}
	json_object_set_new(p->walked, folder, json_true());
	there = !*folder || stat(dir, &st) == 0;
	if (there && *folder && check_inside(p, dir, &e) < 0)
		diags_add(&p->source_diags, DIAG_ERROR, dir, 0, 0, "%s",
		    e.text);
	else if (there || errno != ENOENT)
		walk(p, folder, 0);
	free(dir);
}

void
sources_add_libraries(struct pack *p)
{
	size_t i;

	for (i = 0; i + 1 < LIBRARY_COUNT; i++)
		sources_add_folder(p, libraries[i]);
}

/* True if path lies in folder ("": anywhere). */
static bool
is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return n == 0 || (strncmp(path, folder, n) == 0 && path[n] == '/');
}

/* Tries folder/module.lua and folder/module/init.lua. */
static const struct lua_source *
search_folder(const struct pack *p, const char *folder, const char *module,
    struct buf *searched)
{
	static const char *const forms[] = { ".lua", "/init.lua" };
	const struct lua_source *source;
	char *at = path_join(folder, module), *path;
	size_t i;

	for (i = 0; i < 2; i++) {
		path = xasprintf("%s%s", at, forms[i]);
		source = pack_source(p, path);
		if (!source)
			buf_printf(searched, "%s%s/%s", searched->len ? "\n" :
			    "", p->dir, path);
		free(path);
		if (source)
			break;
	}
	free(at);
	return source;
}

const struct lua_source *
sensor_source(const struct sensor_meta *s, const char *module,
    char **searched)
{
	char *name = xstrdup(module), *own = sources_folder(s->entry_point);
	const struct lua_source *source;
	struct buf places = { 0 };
	char *dot;
	size_t i;

	for (dot = name; (dot = strchr(dot, '.')); dot++)
		*dot = '/';
	source = search_folder(s->pack, own, name, &places);
	for (i = 0; !source && i < LIBRARY_COUNT; i++)
		source = search_folder(s->pack, libraries[i], name, &places);
	if (searched)
		*searched = source ? NULL : xstrdup(buf_cstr(&places));
	buf_release(&places);
	free(name);
	free(own);
	return source;
}

/* Where a source stands in the pack's list. */
static size_t
source_index(const struct pack *p, const struct lua_source *source)
{
	bool found;

	return source_at(p, source->path, &found);
}

/*
 * Marks the entry and all that is reached from it by literal requires;
 * false if some of it may load more than that.
 */
static bool
mark_required(const struct sensor_meta *s, bool *marked)
{
	const struct pack *p = s->pack;
	size_t *queue = xcalloc(p->source_count, sizeof(*queue));
	size_t count = 0, at, i, k;
	const struct lua_source *source;
	bool known = true;

	queue[count++] = source_index(p, s->entry);
	marked[queue[0]] = true;
	for (at = 0; at < count; at++) {
		source = p->sources[queue[at]];
		known = known && !source->requires_more;
		for (i = 0; i < source->require_count; i++) {
			const struct lua_source *next = sensor_source(s,
			    source->requires[i], NULL);
			k = next ? source_index(p, next) : 0;
			if (!next || marked[k])
				continue;
			marked[k] = true;
			queue[count++] = k;
		}
	}
	free(queue);
	return known;
}

/* True if the sensor could require the source. */
static bool
is_loadable(const char *own, const struct lua_source *source)
{
	size_t k;

	if (is_below(source->path, own))
		return true;
	for (k = 0; k < LIBRARY_COUNT; k++)
		if (is_below(source->path, libraries[k]))
			return true;
	return false;
}

void
sources_of_sensor(const struct sensor_meta *s, sources_fn *fn, void *arg)
{
	const struct pack *p = s->pack;
	bool *marked = xcalloc(p->source_count, sizeof(*marked));
	bool known = mark_required(s, marked);
	char *own = sources_folder(s->entry_point);
	size_t i;

	for (i = 0; i < p->source_count; i++)
		if (marked[i] || (!known && is_loadable(own, p->sources[i])))
			fn(arg, p->sources[i]);
	free(own);
	free(marked);
}
