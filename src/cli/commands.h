#pragma once

/*
 * The commands that are no roles of core. argc and argv are what follows the
 * command's own words; each writes its own errors and returns the exit code:
 * 0 done, 1 failed, 2 usage.
 */
int cmd_export(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_journal_stat(int argc, char **argv);
int cmd_journal_verify(int argc, char **argv);
int cmd_key_generate(int argc, char **argv);
int cmd_new_pack(int argc, char **argv);
int cmd_new_sensor(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_sensor_list(int argc, char **argv);
int cmd_sensor_get(int argc, char **argv);
int cmd_sensor_enable(int argc, char **argv);
int cmd_sensor_disable(int argc, char **argv);
int cmd_sensor_restart(int argc, char **argv);
