#pragma once

/*
 * Where the host's own files are: those installed beside this program (its
 * folder's ../share/sensorhost, so that a moved prefix or a DESTDIR works),
 * or where no such folder is, those of the source tree that it was built
 * from. The text lives as long as the process; whether the folder can be read
 * is the caller's to find out.
 */
const char *paths_lua_dir(void);
const char *paths_packs_dir(void);

/* This program's own file, to be executed again; NULL if /proc says none. */
const char *paths_self(void);
