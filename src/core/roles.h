#pragma once

/*
 * The commands that are roles of core. argc and argv are what follows the
 * command's own word; each returns the exit code.
 */
int role_run(int argc, char **argv);
int role_serve(int argc, char **argv);
int role_check(int argc, char **argv);
