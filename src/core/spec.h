#pragma once

struct sensor_meta;
struct supervisor;

/*
 * The LOAD message's JSON for a start of the sensor (msg.h says what is in
 * it). Registers the triggers it names. Freed by the receiver.
 */
char *spec_make(struct supervisor *s, const struct sensor_meta *meta);
