/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces that several screens share: the objects of io.hawd as lines and tables. */
#pragma once

#include "hawd/ctl/text.h"

/** show_pair() - "  Label:  text", nothing for an empty text */
void show_pair(const char *label, const char *text);

void show_hosts(const struct ctl *ctl, const json_t *hosts);
/** show_config() - hosts whose hawd.conf is another than that of most, and the mend */
void show_config(const struct ctl *ctl, const json_t *hosts);
/** show_lost_hosts() - what is wrong with a host; why those that are lost are not proven off, what
 * is next, the mend */
void show_lost_hosts(const struct ctl *ctl, const json_t *hosts);
/** show_waiting() - hosts of the nodelist that the ledger cannot take in yet, why, the mend */
void show_waiting(const struct ctl *ctl, const json_t *waiting);
void show_guests(const struct ctl *ctl, const json_t *guests, const char *empty);
void show_devices(const struct ctl *ctl, const json_t *devices);
void show_open_incidents(const struct ctl *ctl, const json_t *incidents);
/** show_incident() - all its times and parts */
void show_incident(const struct ctl *ctl, const json_t *incident);
void show_note(const struct ctl *ctl, const json_t *note);
/** show_notes() - a table */
void show_notes(const struct ctl *ctl, const json_t *rows);
/** show_status() - the screen of hawctl status */
void show_status(const struct ctl *ctl, const json_t *status);
