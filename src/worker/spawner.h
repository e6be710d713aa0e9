#pragma once

/*
 * The main function of the role "spawner": link is the descriptor of the link
 * to core, on which it answers SPAWN until the link ends. Workers that it
 * forks return from here, too: with their own exit code, when they end.
 */
int spawner_main(int link_fd);
