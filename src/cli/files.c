/*
 * Files and folders that commands make: packs, sensors, copies of packs.
 * Called by `new` and `migrate`. It must never write over what is there.
 */
#include "cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"

int
folder_make(const char *path, struct err *e)
{
	char *part = xstrdup(path), *at;
	struct stat st;
	int rc = 0;

	for (at = part + 1; rc == 0 && (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			rc = err_errno(e, "cannot make the folder \"%s\"",
			    part);
		*at = '/';
	}
	free(part);
	if (rc == 0 && mkdir(path, 0777) != 0 && (errno != EEXIST ||
	    stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
		rc = err_errno(e, "cannot make the folder \"%s\"", path);
	return rc;
}

/* Writes all of text and closes fd; -1 with errno. */
static int
write_all(int fd, const struct buf *text)
{
	size_t at = 0;
	ssize_t n;

	while (at < text->len) {
		n = write(fd, text->data + at, text->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	if (at < text->len) {
		close(fd);
		return -1;
	}
	return close(fd);
}

int
file_create(const char *path, const struct buf *text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, "\"%s\" is there already, and is left as it "
		    "is", path);
	if (fd < 0)
		return err_errno(e, "cannot make \"%s\"", path);
	if (write_all(fd, text) == 0)
		return 0;
	err_errno(e, "cannot write \"%s\"", path);
	unlink(path);
	return -1;
}

/* A folder opened for a walk; fn for each name in it but . and .. */
typedef int walk_fn(void *arg, const char *dir, const char *name,
    unsigned depth, struct err *e);

/* Calls fn for the names of a folder; stops at the first -1. */
static int
walk(const char *dir, unsigned depth, walk_fn *fn, void *arg, struct err *e)
{
	struct dirent **names;
	int count = scandir(dir, &names, NULL, alphasort), i, rc = 0;

	if (count < 0)
		return err_errno(e, "cannot read the folder \"%s\"", dir);
	for (i = 0; i < count; i++) {
		if (rc == 0 && strcmp(names[i]->d_name, ".") != 0 &&
		    strcmp(names[i]->d_name, "..") != 0)
			rc = fn(arg, dir, names[i]->d_name, depth, e);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* walk_fn: removes one file, or a folder with what is in it. */
static int
remove_one(void *arg, const char *dir, const char *name, unsigned depth,
    struct err *e)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	(void)arg;
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    depth < TREE_DEPTH + 1) {
		walk(path, depth + 1, remove_one, NULL, e);
		rmdir(path);
	} else {
		unlink(path);
	}
	free(path);
	return 0;
}

void
tree_remove(const char *path)
{
	struct err e;

	walk(path, 0, remove_one, NULL, &e);
	rmdir(path);
}

/* A copy under way. */
struct copy {
	const char *from;
	const char *to;
	tree_left_out_fn *left_out;
	void *arg;
	unsigned files;
	size_t bytes;
};

/* True for what a copy has no use for. */
static bool
is_waste(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] == '.' || strcmp(name, "__pycache__") == 0 ||
	    (dot && strcmp(dot, ".pyc") == 0);
}

/* Copies one plain file. */
static int
copy_file(struct copy *c, const char *from, const char *to,
    const struct stat *st, struct err *e)
{
	struct buf text = {0};
	int rc;

	if (++c->files > TREE_FILES)
		return err_set(e, "\"%s\" has more than %u files", c->from,
		    TREE_FILES);
	rc = file_read(from, TREE_BYTES - c->bytes, &text, e);
	c->bytes += text.len;
	if (rc == 0)
		rc = file_create(to, &text, e);
	if (rc == 0 && (st->st_mode & 0111) != 0)
		chmod(to, st->st_mode & 0777);
	buf_release(&text);
	return rc == 0 ? 0 : -1;
}

/* walk_fn: copies one entry of a folder. */
static int
copy_one(void *arg, const char *dir, const char *name, unsigned depth,
    struct err *e)
{
	struct copy *c = arg;
	char *from, *to;
	struct stat st;
	int rc = 0;

	if (is_waste(name))
		return 0;
	from = xasprintf("%s/%s", dir, name);
	to = xasprintf("%s%s", c->to, from + strlen(c->from));
	if (lstat(from, &st) != 0)
		rc = err_errno(e, "cannot read \"%s\"", from);
	else if (S_ISREG(st.st_mode))
		rc = copy_file(c, from, to, &st, e);
	else if (!S_ISDIR(st.st_mode))
		c->left_out(c->arg, from + strlen(c->from) + 1);
	else if (depth == TREE_DEPTH)
		rc = err_set(e, "\"%s\" is too deep, more than %u folders in "
		    "each other", from, TREE_DEPTH);
	else if ((rc = folder_make(to, e)) == 0)
		rc = walk(from, depth + 1, copy_one, c, e);
	free(from);
	free(to);
	return rc;
}

int
tree_copy(const char *from, const char *to, tree_left_out_fn *left_out,
    void *arg, struct err *e)
{
	struct copy c = {.from = from, .to = to, .left_out = left_out,
	    .arg = arg};

	return walk(from, 0, copy_one, &c, e);
}
