#pragma once

/*
 * The database is read through a mapping of its file: where the disk fails at
 * a page, or the file is shorter than it says, the kernel sends SIGBUS. From
 * this call on that ends the process with code 1 and a line on stderr which
 * names the folder; nothing more is committed or acknowledged.
 */
void bus_guard(const char *dir);
