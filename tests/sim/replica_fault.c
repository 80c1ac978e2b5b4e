/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replica_fault.c - the faults of one replica: its process, its disk, its clocks. */
#include <inttypes.h>

#include "tests/sim/replica_node.h"

#define SEGMENT_DATA 12288u
#define TEN_YEARS_MS INT64_C(315576000000)

void replica_pause(struct node_cluster *c, uint32_t id, uint64_t duration)
{
    struct replica *r = replica_at(c, id);
    if (r->node == NULL)
        return;
    sim_note(&c->sim, "%u is paused for %" PRIu64 " us", id, duration);
    r->busy_until = c->sim.now + duration;
}

void replica_crash_in_flush(struct node_cluster *c, uint32_t id, enum disk_sim_crash how,
                            uint64_t calls)
{
    struct replica *r = replica_at(c, id);
    if (r->node == NULL || r->disk->fail_at != 0)
        return;
    sim_note(&c->sim, "%u will die at one of the next calls to its disk", id);
    r->dies_in_flush = true;
    r->dies_how = how;
    r->disk->failed = false;
    r->disk->fail_once = false;
    r->disk->fail_with = RSM_IO;
    if (calls == 0)
        r->disk->dies_in_flush = true;
    else
        r->disk->fail_at = r->disk->calls + calls;
}

void replica_crash_in_recovery(struct node_cluster *c, uint32_t id, uint64_t calls)
{
    replica_at(c, id)->dies_in_recovery = calls;
    replica_crash(c, id, DISK_SIM_KEEPS_SOME);
}

/* One call fails, and the process has to end; the disk is good again afterwards. */
static void disk_error(struct replica *r, uint64_t salt)
{
    if (r->node == NULL || r->disk->fail_at != 0)
        return;
    sim_note(&r->cluster->sim, "%u: a call to its disk will fail", r->id);
    r->may_fail = true;
    r->may_doubt = true;
    r->disk->failed = false;
    r->disk->fail_once = true;
    r->disk->fail_with = RSM_IO;
    r->disk->fail_at = r->disk->calls + 1 + salt % 6;
}

static void disk_full(struct replica *r, uint64_t salt)
{
    struct node_cluster *c = r->cluster;
    uint64_t used = 0;
    for (uint64_t file = disk_sim_next(r->disk, 0); file != 0; file = disk_sim_next(r->disk, file))
        used += disk_sim_file(r->disk, file)->size;
    r->disk->space = used + DISK_SIM_FULL_WHEN_EMPTY;
    r->disk_full_until = c->sim.now + SIM_MS * (100 + salt % 2000);
    sim_note(&c->sim, "%u: its disk is full until %" PRIu64, r->id, r->disk_full_until);
}

/* The segment that the last group is in; NULL: nothing was written yet. */
static const struct image_segment *last_segment(const struct replica *r)
{
    const struct image_segment *last = NULL;
    for (size_t i = 0; i < r->image.segment_count; i++) {
        const struct image_segment *s = &r->image.segments[i];
        if (s->last != 0 && (last == NULL || s->file > last->file))
            last = s;
    }
    return last;
}

/* A sector of the last group, or of anything that is in use. */
static bool choose_sector(const struct replica *r, bool tail, uint64_t salt, uint64_t *file_out,
                          uint64_t *sector_out)
{
    const struct image_segment *s = last_segment(r);
    if (s == NULL)
        return false;
    uint64_t first = s->last / DISK_SECTOR_SIZE;
    uint64_t end = s->offset / DISK_SECTOR_SIZE;
    if (!tail) {
        s = &r->image.segments[salt % r->image.segment_count];
        first = (salt >> 8) % 8 == 0 ? 0 : SEGMENT_DATA / DISK_SECTOR_SIZE; /* head and marks too */
        end = s->offset / DISK_SECTOR_SIZE;
    }
    if (end <= first)
        return false;
    *file_out = s->file;
    *sector_out = first + (salt >> 16) % (end - first);
    return true;
}

/* Only one replica's disk loses what it said was durable. */
static void disk_damage(struct replica *r, const struct fault *fault)
{
    struct node_cluster *c = r->cluster;
    struct prng prng;
    uint64_t file = 0;
    uint64_t sector = 0;
    if (r->id != c->options.victim || r->node == NULL)
        return;
    if (fault->kind == FAULT_LOST_WRITE) {
        /* A group, its mark, or both: then nobody knows but the peers, who heard of it. */
        uint64_t what = fault->salt % 3;
        r->disk->lie = true;
        r->disk->lie_first = what == 0 ? SEGMENT_DATA : 0;
        r->disk->lie_end = what == 1 ? SEGMENT_DATA : UINT64_MAX;
        if (what != 2) {
            replica_crash_in_flush(c, r->id, DISK_SIM_KEEPS_SOME, 6 + (fault->salt >> 8) % 12);
        } else {
            r->dies_in_flush = true;
            r->dies_how = DISK_SIM_KEEPS_NONE;
        }
        sim_note(&c->sim, "%u: the next flush lies", r->id);
        return;
    }
    replica_die(r, DISK_SIM_KEEPS_ALL);
    if (fault->kind == FAULT_WIPE) {
        sim_note(&c->sim, "%u: its journal is gone", r->id);
        disk_sim_wipe(r->disk);
        r->may_doubt = true;
        r->has_lost = true;
        checker_on_loss(replica_checker(r), r->id);
        return;
    }
    if (!choose_sector(r, fault->kind == FAULT_ROT_TAIL, fault->salt, &file, &sector))
        return;
    sim_note(&c->sim, "%u: sector %" PRIu64 " of segment %" PRIu64 " goes bad", r->id, sector,
             file);
    r->may_doubt = true;
    if (fault->kind == FAULT_BAD_SECTOR) {
        r->disk->bad_file = file;
        r->disk->bad_sector = sector;
        r->disk->bad_was_read = false;
        return; /* the bytes are still there, and may be read again one day */
    }
    prng_init(&prng, fault->salt);
    disk_sim_rot(r->disk, file, sector, (enum disk_sim_rot)(1 + (fault->salt >> 40) % 4), &prng);
    if (!image_reread(&r->image, r->disk)) {
        r->has_lost = true;
        checker_on_loss(replica_checker(r), r->id);
    }
}

static void set_rate(struct replica *r, uint64_t permille)
{
    r->monotonic_then = replica_monotonic_us(r);
    r->rate_since = r->cluster->sim.now;
    r->rate_permille = permille;
    sim_note(&r->cluster->sim, "%u: its clock runs at %" PRIu64 "/1000", r->id, permille);
}

static void step_clock(struct replica *r, uint64_t salt)
{
    static const int64_t steps[] = {3600000, -3600000, TEN_YEARS_MS, -TEN_YEARS_MS, 20000, -20000};
    r->wall_offset_ms = r->skew_ms + steps[salt % 6];
    sim_note(&r->cluster->sim, "%u: its wall clock is off by %" PRId64 " ms", r->id,
             r->wall_offset_ms);
}

void replica_fault(struct node_cluster *c, const struct fault *fault)
{
    struct replica *r = replica_at(c, fault->replica);
    uint64_t while_us = SIM_MS * (10 + fault->salt % 1000);
    audit_on_clock(replica_audit(r), r->id, replica_wall_ms(r));
    switch (fault->kind) {
    case FAULT_SLOW_DISK:
        r->slow_until = c->sim.now + while_us;
        break;
    case FAULT_HUNG_DISK:
        r->hung_until = c->sim.now + 2 * while_us;
        break;
    case FAULT_DISK_ERROR:
        disk_error(r, fault->salt);
        break;
    case FAULT_DISK_FULL:
        disk_full(r, fault->salt);
        break;
    case FAULT_STORE_FULL:
        r->store_full_until = c->sim.now + while_us;
        break;
    case FAULT_CLOCK_STEP:
        step_clock(r, fault->salt);
        break;
    case FAULT_CLOCK_RATE:
        set_rate(r, 900 + fault->salt % 201);
        break;
    default:
        disk_damage(r, fault);
        break;
    }
}

void replica_heal(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    r->disk->fail_at = 0;
    r->disk->dies_in_flush = false;
    r->disk->lie = false;
    r->disk->space = 0;
    r->disk->bad_file = 0;
    r->dies_in_flush = false;
    r->dies_in_recovery = 0;
    r->slow_until = 0;
    r->hung_until = 0;
    r->store_full_until = 0;
    r->may_fail = false;
    audit_on_clock(replica_audit(r), r->id, replica_wall_ms(r));
    r->wall_offset_ms = r->skew_ms;
    set_rate(r, 1000);
    r->busy_until = c->sim.now;
    if (r->node == NULL)
        replica_start(c, id);
}
