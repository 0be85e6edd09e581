/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/sensors.h"

#include <unistd.h>

struct look {
        ipmi_sdr_ctx_t sdr;
        ipmi_sensor_read_ctx_t sensor;
        ipmi_interpret_ctx_t interpret;
        ipmi_sel_ctx_t sel;
        uint32_t since; /* by the BMC's clock: events before it do not count */
        struct sensors_said *said;
        struct event { /* the latest of each sensor and kind; later ones say how it is now */
                uint8_t sensor, type, offset;
                bool critical;
                char text[FENCE_MESSAGE_LEN];
        } events[SENSORS_SEL_LAST];
        size_t n_events;
        bool read[UINT8_MAX + 1]; /* sensors that were: they say how it is, not their events */
};

static bool of_interest(uint8_t type) {
        switch (type) {
        case IPMI_SENSOR_TYPE_TEMPERATURE:
        case IPMI_SENSOR_TYPE_VOLTAGE:
        case IPMI_SENSOR_TYPE_FAN:
        case IPMI_SENSOR_TYPE_POWER_SUPPLY:
        case IPMI_SENSOR_TYPE_COOLING_DEVICE:
        case IPMI_SENSOR_TYPE_MEMORY:
                return true;
        default:
                return false;
        }
}

static void critical(struct look *k, const char *text) {
        if (k->said->critical++ == 0)
                text_set(k->said->text, sizeof(k->said->text), text);
}

/* ---- sensors ------------------------------------------------------------------------------------
 */

static const char *unit_of(uint8_t type) {
        return type == IPMI_SENSOR_TYPE_TEMPERATURE ? " C"
               : type == IPMI_SENSOR_TYPE_VOLTAGE   ? " V"
               : type == IPMI_SENSOR_TYPE_FAN       ? " RPM"
                                                    : "";
}

static void judge(struct look *k, uint8_t type, uint8_t code, uint16_t mask,
                  const double *reading) {
        char name[IPMI_SDR_MAX_SENSOR_NAME_LENGTH + 1] = "", text[FENCE_MESSAGE_LEN];
        unsigned state;

        if (ipmi_interpret_sensor(k->interpret, code, type, mask, &state) < 0 ||
            state != IPMI_INTERPRET_STATE_CRITICAL)
                return;
        if (ipmi_sdr_parse_sensor_name(k->sdr, NULL, 0, 0, 0, name, sizeof(name)) < 0)
                text_set(name, sizeof(name), "a sensor without a name");
        if (reading)
                text_fmt(text, sizeof(text), "%.40s is critical: %.4g%s", name, *reading,
                         unit_of(type));
        else
                text_fmt(text, sizeof(text), "%.40s is critical: state %#x", name, mask);
        critical(k, text);
}

/* A sensor that cannot be read says nothing, as that of a bay without a disk. */
static int one_sensor(ipmi_sdr_ctx_t sdr, uint8_t record_type, const void *record, unsigned len,
                      void *data) {
        struct look *k = data;
        _cleanup_(freep) double *reading = NULL;
        uint8_t type, code, sensor, raw = 0;
        uint16_t mask = 0;

        if ((record_type != IPMI_SDR_FORMAT_FULL_SENSOR_RECORD &&
             record_type != IPMI_SDR_FORMAT_COMPACT_SENSOR_RECORD) ||
            ipmi_sdr_parse_sensor_type(sdr, record, len, &type) < 0 || !of_interest(type) ||
            ipmi_sdr_parse_event_reading_type_code(sdr, record, len, &code) < 0 ||
            ipmi_sdr_parse_sensor_number(sdr, record, len, &sensor) < 0 ||
            ipmi_sensor_read(k->sensor, record, len, 0, &raw, &reading, &mask) < 0)
                return 0;
        k->said->n++;
        k->read[sensor] = true;
        judge(k, type, code, mask, reading);
        return 0;
}

/* ---- the log ------------------------------------------------------------------------------------
 */

static struct event *event_of(struct look *k, uint8_t sensor, uint8_t type, uint8_t offset) {
        struct event *e;

        for (size_t i = 0; i < k->n_events; i++) {
                e = &k->events[i];
                if (e->sensor == sensor && e->type == type && e->offset == offset)
                        return e;
        }
        if (k->n_events == SENSORS_SEL_LAST)
                return NULL;
        e = &k->events[k->n_events++];
        *e = (struct event){.sensor = sensor, .type = type, .offset = offset};
        return e;
}

static int one_event(ipmi_sel_ctx_t sel, void *data) {
        struct look *k = data;
        uint8_t record[IPMI_SEL_RECORD_MAX_RECORD_LENGTH], type, sensor, direction, offset;
        unsigned state, asserted;
        uint32_t at;
        struct event *e;
        int len = ipmi_sel_parse_read_record(sel, record, sizeof(record));

        if (len <= 0 || ipmi_sel_parse_read_timestamp(sel, NULL, 0, &at) < 0 || at < k->since ||
            ipmi_sel_parse_read_sensor_type(sel, NULL, 0, &type) < 0 || !of_interest(type) ||
            ipmi_sel_parse_read_sensor_number(sel, NULL, 0, &sensor) < 0 || k->read[sensor] ||
            ipmi_sel_parse_read_event_direction(sel, NULL, 0, &direction) < 0 ||
            ipmi_sel_parse_read_event_data1_offset_from_event_reading_type_code(sel, NULL, 0,
                                                                                &offset) < 0)
                return 0;
        e = event_of(k, sensor, type, offset);
        if (!e)
                return 0;
        asserted = direction == IPMI_SEL_RECORD_ASSERTION_EVENT;
        e->critical = asserted &&
                      ipmi_interpret_sel(k->interpret, record, (unsigned)len, &state) == 0 &&
                      state == IPMI_INTERPRET_STATE_CRITICAL;
        if (e->critical && ipmi_sel_parse_read_record_string(sel, "log: %s: %e", NULL, 0, e->text,
                                                             sizeof(e->text), 0) < 0)
                text_set(e->text, sizeof(e->text), "log: a critical event");
        return 0;
}

static bool number(fiid_obj_t rs, const char *field, uint64_t *ret) {
        return fiid_obj_get(rs, field, ret) == 1;
}

/* The numbers of the latest records. Return: how many; they need not all be there. */
static unsigned latest(ipmi_ctx_t ctx, uint16_t ids[SENSORS_SEL_LAST]) {
        fiid_obj_t rs = fiid_obj_create(tmpl_cmd_get_sel_entry_rs);
        uint8_t record[IPMI_SEL_RECORD_MAX_RECORD_LENGTH];
        unsigned last = 0, n;

        if (rs &&
            ipmi_cmd_get_sel_entry(ctx, 0, IPMI_SEL_GET_RECORD_ID_LAST_ENTRY, 0,
                                   IPMI_SEL_READ_ENTIRE_RECORD_BYTES_TO_READ, rs) == 0 &&
            fiid_obj_get_data(rs, "record_data", record, sizeof(record)) >= 2)
                last = record[0] | (unsigned)record[1] << 8;
        fiid_obj_destroy(rs);
        n = MIN(last, SENSORS_SEL_LAST);
        for (unsigned i = 0; i < n; i++)
                ids[i] = (uint16_t)(last - n + 1 + i);
        return n;
}

static uint32_t bmc_clock(ipmi_ctx_t ctx) {
        fiid_obj_t rs = fiid_obj_create(tmpl_cmd_get_sel_time_rs);
        uint64_t now = 0;

        if (!rs || ipmi_cmd_get_sel_time(ctx, rs) < 0 || !number(rs, "time", &now))
                now = 0;
        fiid_obj_destroy(rs);
        return (uint32_t)now;
}

/* A BMC without a log, or with one that cannot be read, has its sensors. */
static void read_log(struct look *k, ipmi_ctx_t ctx) {
        uint16_t ids[SENSORS_SEL_LAST];
        unsigned n = latest(ctx, ids);
        uint32_t now = bmc_clock(ctx);

        if (n == 0)
                return;
        k->since = now > SENSORS_SEL_AGE / USEC_PER_SEC
                           ? now - (uint32_t)(SENSORS_SEL_AGE / USEC_PER_SEC)
                           : 0;
        k->sel = ipmi_sel_ctx_create(ctx, k->sdr);
        if (!k->sel)
                return;
        for (unsigned i = 0; i < n; i++) /* one by one: some may have been deleted */
                (void)ipmi_sel_parse_record_ids(k->sel, &ids[i], 1, one_event, k);
        for (size_t i = 0; i < k->n_events; i++)
                if (k->events[i].critical)
                        critical(k, k->events[i].text);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

/* Read anew when the BMC says that its list has changed. */
static int open_sdr(struct look *k, ipmi_ctx_t ctx, const char *path) {
        if (ipmi_sdr_cache_open(k->sdr, ctx, path) == 0)
                return 0;
        (void)unlink(path); /* too old, broken, or not there */
        if (ipmi_sdr_cache_create(k->sdr, ctx, path, IPMI_SDR_CACHE_CREATE_FLAGS_OVERWRITE, NULL,
                                  NULL) < 0)
                return -EIO;
        return ipmi_sdr_cache_open(k->sdr, ctx, path) == 0 ? 0 : -EIO;
}

int sensors_read(ipmi_ctx_t ctx, const char *sdr, struct sensors_said *ret, char err[TEXT_LEN]) {
        struct look k = {.said = ret};
        int r = -EIO;

        *ret = (struct sensors_said){0};
        text_set(err, TEXT_LEN, "out of memory");
        k.sdr = ipmi_sdr_ctx_create();
        k.interpret = ipmi_interpret_ctx_create();
        k.sensor = ipmi_sensor_read_ctx_create(ctx);
        if (k.sdr && k.interpret && k.sensor) {
                r = open_sdr(&k, ctx, sdr);
                if (r == 0 && ipmi_sdr_cache_iterate(k.sdr, one_sensor, &k) < 0)
                        r = -EIO;
                if (r == 0)
                        read_log(&k, ctx);
                else
                        text_fmt(err, TEXT_LEN, "its list of sensors (SDR): %s",
                                 ipmi_sdr_ctx_errormsg(k.sdr));
        }
        if (k.sel)
                ipmi_sel_ctx_destroy(k.sel);
        if (k.sensor)
                ipmi_sensor_read_ctx_destroy(k.sensor);
        if (k.interpret)
                ipmi_interpret_ctx_destroy(k.interpret);
        if (k.sdr)
                ipmi_sdr_ctx_destroy(k.sdr);
        return r;
}
