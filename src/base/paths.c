/*
 * The host's own folders, found once and kept. Called by every role that
 * reads lua/ or packs/, before and after a fork; it never looks at the
 * environment or the working folder, so that nobody can slip other code
 * under an installed program.
 */
#include "base/paths.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

#if !defined(SENSORHOST_SHARE_FROM_BIN) || !defined(SENSORHOST_SOURCE_DIR)
#error "the build file says where the shared files are"
#endif

const char *
paths_self(void)
{
	static char self[PATH_MAX];
	ssize_t n;

	if (self[0] != '\0')
		return self;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0 || self[0] != '/') {
		self[0] = '\0';
		return NULL;
	}
	self[n] = '\0';
	return self;
}

/* The folder that holds what was installed, or NULL; the caller frees it. */
static char *
installed_dir(void)
{
	const char *self = paths_self();
	const char *slash;
	struct stat st;
	char *path, *real;

	if (self == NULL)
		return NULL;
	slash = strrchr(self, '/');
	path = xasprintf("%.*s/" SENSORHOST_SHARE_FROM_BIN,
	    (int)(slash - self), self);
	real = realpath(path, NULL);
	free(path);
	if (real != NULL && (stat(real, &st) < 0 || !S_ISDIR(st.st_mode))) {
		free(real);
		return NULL;
	}
	return real;
}

/*
 * The folder of that name. Of a broken installation it is the one that is
 * missing: a source tree may be anybody's.
 */
static char *
find_dir(const char *name)
{
	char *root = installed_dir();
	char *dir = xasprintf("%s/%s", root ? root : SENSORHOST_SOURCE_DIR,
	    name);

	free(root);
	return dir;
}

const char *
paths_lua_dir(void)
{
	static char *dir;

	if (dir == NULL)
		dir = find_dir("lua");
	return dir;
}

const char *
paths_packs_dir(void)
{
	static char *dir;

	if (dir == NULL)
		dir = find_dir("packs");
	return dir;
}
