#pragma once

/* The sensor is at work: tasks that setup started may accept from now on. */
void listeners_begin(void);
