/*
 * Whole files into memory, bounded. Called for what people and packages put
 * on disk; must never hang on a pipe or a device that bears a file's name.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads fd, of which size bytes are expected, to its end; -1 with e. */
static int
read_all(int fd, const char *path, size_t size, size_t max, struct buf *b,
    struct err *e)
{
	size_t from = b->len, room = size + 1;
	ssize_t n;

	for (;;) {
		n = read(fd, buf_reserve(b, room), room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "\"%s\" cannot be read", path);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		if (b->len - from > max)
			return err_set(e, "\"%s\" is larger than %zu bytes",
			    path, max);
	}
}

int
file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	struct stat st;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		rc = errno == ENOENT || errno == ENOTDIR ? 1 : -1;
		err_errno(e, "\"%s\" cannot be opened", path);
		return rc;
	}
	if (fstat(fd, &st) < 0)
		rc = err_errno(e, "\"%s\" cannot be read", path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, "\"%s\" is no plain file", path);
	else if (st.st_size > 0 && (size_t)st.st_size > max)
		rc = err_set(e, "\"%s\" is larger than %zu bytes", path, max);
	else
		rc = read_all(fd, path, (size_t)st.st_size, max, b, e);
	close(fd);
	return rc;
}
