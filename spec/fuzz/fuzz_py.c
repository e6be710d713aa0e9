/*
 * Whatever bytes a Python file holds, reading it comes to an end, and the
 * skeleton made of it has no line that could be anything but a comment,
 * where the Python stands. (That it is Lua that loads, spec/cli checks.)
 */
#include <stdlib.h>

#include "base/must.h"
#include "cli/migrate/py_file.h"
#include "cli/migrate/skeleton.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sensor for each class found, so that all methods are written. */
static void
write_all(const struct py_file *f)
{
	struct buf out = {0};
	size_t i;

	for (i = 0; i < f->class_count; i++) {
		const struct skeleton_sensor sensor = {.pack = "p",
		    .class_name = f->classes[i].name, .description = "",
		    .metadata_file = "sensors/x.yaml",
		    .polling = i % 2 == 0, .class = &f->classes[i]};
		const struct skeleton s = {.python = "sensors/x.py",
		    .file = f, .sensors = &sensor, .count = 1};

		out.len = 0;
		skeleton_put(&out, &s);
		must(out.len > 0 && out.data[out.len - 1] == '\n');
	}
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = {0};
	struct py_file f;

	buf_put(&text, data, size);
	py_file_read(&f, &text);
	write_all(&f);
	py_file_release(&f);
	buf_release(&text);
	return 0;
}
