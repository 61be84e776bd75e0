#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# An independent look at a Perfetto export: every packet is decoded with the definitions of the Python package `perfetto`, and what is
# in it is compared with what SQL finds in the trace. TAP. Usage: read_perfetto.py TRACE EXPORT [PACKAGES]
import collections
import os
import sqlite3
import sys

trace_file, export_file = sys.argv[1:3]
if len(sys.argv) > 3:
    sys.path.insert(0, sys.argv[3])
try:
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb
except ImportError as missing:
    print("1..0 # SKIP the Python package perfetto is not installed (tool/perfetto.sh gets it): %s" % missing)
    sys.exit(0)

PHASES = ("starved backpressure late_rank dispatch allocate serialise fetch read compute write collective launch sync debug"
          " recorder unknown").split()
results = []


def check(name, found, wanted):
    results.append(found == wanted)
    print("%s %d - %s%s" % ("ok" if found == wanted else "not ok", len(results), name,
                            "" if found == wanted else "\n# found %r, wanted %r" % (found, wanted)))


db = sqlite3.connect(trace_file)


def number(sql):
    return db.execute(sql).fetchone()[0] or 0


# -- decoding ---------------------------------------------------------------------------------------------------------------

data = open(export_file, "rb").read()
trace = pb.Trace()
trace.ParseFromString(data)
unknown = 0
try:
    from google.protobuf import unknown_fields
    for packet in trace.packet:
        unknown += len(unknown_fields.UnknownFieldSet(packet))
        if packet.HasField("track_event"):
            unknown += len(unknown_fields.UnknownFieldSet(packet.track_event))
except ImportError:
    pass
check("every field is one that Perfetto knows", unknown, 0)
check("the packets are the whole file", trace.ByteSize(), len(data))

names, categories, notes, tracks = {}, {}, {}, {}
slices, instants, counters = collections.defaultdict(list), [], collections.defaultdict(list)
open_slices = collections.defaultdict(list)
flow_starts, flow_ends = collections.Counter(), collections.Counter()
flow_begin_ns, flow_end_ns = {}, {}
last_ns, faults = {}, collections.Counter()
clocks, defaults_clock, flags_first = [], None, None
for packet in trace.packet:
    faults["no sequence id"] += not packet.trusted_packet_sequence_id
    if flags_first is None:
        flags_first = packet.sequence_flags
    elif packet.sequence_flags != 2:
        faults["flags"] += 1
    if packet.HasField("trace_packet_defaults"):
        defaults_clock = packet.trace_packet_defaults.timestamp_clock_id
    for table, entries in ((names, packet.interned_data.event_names), (categories, packet.interned_data.event_categories),
                           (notes, packet.interned_data.debug_annotation_names)):
        for entry in entries:
            faults["interned twice"] += entry.iid in table or entry.iid == 0
            table[entry.iid] = entry.name
    if packet.HasField("clock_snapshot"):
        clocks.append({clock.clock_id: clock.timestamp for clock in packet.clock_snapshot.clocks})
        faults["primary clock"] += packet.clock_snapshot.primary_trace_clock != 3
    if packet.HasField("track_descriptor"):
        descriptor = packet.track_descriptor
        faults["track declared twice"] += descriptor.uuid in tracks
        faults["unknown parent"] += descriptor.HasField("parent_uuid") and descriptor.parent_uuid not in tracks
        tracks[descriptor.uuid] = descriptor
    if not packet.HasField("track_event"):
        continue
    event, now = packet.track_event, packet.timestamp
    uuid = event.track_uuid
    faults["undeclared track"] += uuid not in tracks
    faults["category not interned"] += any(iid not in categories for iid in event.category_iids)
    faults["note not interned"] += any(note.name_iid not in notes for note in event.debug_annotations)
    faults["name not interned"] += bool(event.name_iid) and event.name_iid not in names
    values = {notes.get(note.name_iid): note.string_value if note.HasField("string_value") else note.int_value
              for note in event.debug_annotations}
    name = names.get(event.name_iid, event.name)
    category = [categories.get(iid) for iid in event.category_iids]
    if event.type != event.TYPE_INSTANT:
        faults["time goes back on a track"] += now < last_ns.get(uuid, 0)
        last_ns[uuid] = now
    if event.type == event.TYPE_SLICE_BEGIN:
        open_slices[uuid].append((name, category, now, values))
    elif event.type == event.TYPE_SLICE_END:
        if not open_slices[uuid]:
            faults["end without begin"] += 1
            continue
        name, category, start, values = open_slices[uuid].pop()
        slices[uuid].append((len(open_slices[uuid]), name, category, start, now - start, values))
    elif event.type == event.TYPE_INSTANT:
        instants.append((name, category, now, values))
    elif event.type == event.TYPE_COUNTER:
        value = event.counter_value if event.HasField("counter_value") else event.double_counter_value
        counters[uuid].append((now, value))
    for flow in event.flow_ids:
        flow_starts[flow] += 1
        flow_begin_ns[flow] = now
    for flow in event.terminating_flow_ids:
        flow_ends[flow] += 1
        flow_end_ns[flow] = now

check("the first packet clears the state and needs it", flags_first, 3)
check("times are CLOCK_MONOTONIC", defaults_clock, 3)
check("nothing is wrong with packets, names, tracks or order", {k: v for k, v in faults.items() if v}, {})
check("every slice that begins ends", sum(len(v) for v in open_slices.values()), 0)
check("a clock snapshot for each run", sorted((c[3], c.get(1)) for c in clocks),
      db.execute("SELECT start_ns, start_unix_ns FROM run ORDER BY 1").fetchall())

# -- against SQL -------------------------------------------------------------------------------------------------------------

processes = [t for t in tracks.values() if t.HasField("process")]
threads = [t for t in tracks.values() if t.HasField("thread")]
check("a process for each run", sorted(t.process.pid for t in processes), [r[0] for r in db.execute("SELECT id FROM run ORDER BY 1")])
check("a thread for each host lane", len(threads), number("SELECT count(*) FROM lane WHERE kind = 'host'"))
check("thread ids are unique and no process's", len({t.thread.tid for t in threads} | {t.process.pid for t in processes}),
      len(threads) + len(processes))

lane_uuids = {t.uuid: t for t in threads}
tops = [s for uuid in lane_uuids for s in slices[uuid] if s[0] == 0]
children = [s for uuid in lane_uuids for s in slices[uuid] if s[0] == 1]
ops = [s for s in tops if s[2] != ["lane"]]
check("nesting is two deep at most", max([s[0] for v in slices.values() for s in v] or [0]) <= 1, True)
check("a slice for each op", len(ops), number("SELECT count(*) FROM op_event"))
check("ops' durations sum to the trace's", sum(s[4] for s in ops), number("SELECT sum(duration_ns) FROM op_event"))
check("ops' starts sum to the trace's", sum(s[3] for s in ops), number("SELECT sum(start_ns) FROM op_event"))
check("each op is named after its node", collections.Counter(s[1] for s in ops),
      collections.Counter(dict(db.execute("SELECT CAST(n.name AS TEXT), count(*) FROM op_event e JOIN node n ON n.id = e.node GROUP BY 1"))))
check("an op's category is its op", {(s[1], s[2][0]) for s in ops},
      set(db.execute("SELECT DISTINCT n.name, coalesce(n.op, 'caller') FROM op_event e JOIN node n ON n.id = e.node")))
check("notes of executions", sum(s[5]["execution"] for s in ops), number("SELECT sum(execution) FROM op_event"))
for phase in PHASES:
    check("ns of %s in the notes" % phase, sum(s[5].get(phase + "_ns", 0) for s in ops),
          number("SELECT sum(%s_ns) FROM op_event" % phase))
several = " + ".join("(coalesce(%s_ns, 0) <> 0)" % p for p in PHASES)
check("nested slices for ops of several phases", len(children),
      number("SELECT sum(n) FROM (SELECT %s AS n FROM op_event) WHERE n > 1" % several))
check("nested slices fill these ops", sum(s[4] for s in children),
      number("SELECT sum(duration_ns) FROM (SELECT duration_ns, %s AS n FROM op_event) WHERE n > 1" % several))
check("slices between ops", len(tops) - len(ops), number("SELECT count(*) FROM span WHERE kind < 100"))
waits = [s for uuid, v in slices.items() if uuid not in lane_uuids for s in v]
check("a slice for each wait", collections.Counter(s[1] for s in waits),
      collections.Counter(dict(db.execute("SELECT cause, count(*) FROM v_stall GROUP BY 1"))))
check("waits' peers", sum("peer" in s[5] for s in waits), number("SELECT count(*) FROM v_stall WHERE peer IS NOT NULL"))

pairs = number("SELECT count(*) FROM edge g JOIN op_event p ON p.node = g.src JOIN op_event c ON c.node = g.dst AND"
               " c.execution = p.execution AND c.run = p.run WHERE NOT g.is_peer")
both = set(flow_starts) & set(flow_ends)
check("flows from producer to consumer", len(both), pairs)
check("a flow begins and ends once", [max(flow_starts.values(), default=1), max(flow_ends.values(), default=1)], [1, 1])
check("flows begin for all ops with readers", len(flow_starts),
      number("SELECT count(*) FROM edge g JOIN op_event p ON p.node = g.src WHERE NOT g.is_peer"))
check("no flow ends before it begins", sum(flow_end_ns[f] < flow_begin_ns[f] for f in both), 0)

in_flight = {uuid: c for uuid, c in counters.items() if tracks[uuid].name == "executions in flight"}
fills = {uuid: c for uuid, c in counters.items() if tracks[uuid].name.startswith("fill of ")}
check("no counter is negative", min([value for c in counters.values() for _, value in c] or [0]) >= 0, True)
check("counters are in order of time", all(a[0] <= b[0] for c in counters.values() for a, b in zip(c, c[1:])), True)
check("executions in flight end at those that did not finish", sum(c[-1][1] for c in in_flight.values()),
      number("SELECT count(*) FROM execution e WHERE end_ns IS NULL AND start_ns IS NOT NULL AND execution >"
             " (SELECT coalesce(max(execution), -1) FROM execution f WHERE f.run = e.run AND f.end_ns IS NOT NULL)"))
if not number("SELECT coalesce(sum(n_records), 0) FROM loss"):
    most = number("SELECT max(in_flight) FROM run")
    check("never more in flight than the limit", max([v for c in in_flight.values() for _, v in c] or [0]) <= most, True)
if not number("SELECT count(*) FROM (SELECT max(execution) - min(execution) + 1 - count(*) AS gap FROM execution GROUP BY run) WHERE gap"):
    check("a fill for each channel with ops", len(fills),
          number("SELECT count(*) FROM channel c WHERE EXISTS (SELECT 1 FROM edge g WHERE g.channel = c.id)"
                 " AND EXISTS (SELECT 1 FROM op_event o WHERE o.node = c.node)"))
check("an instant for each message", sum(i[1] == ["log"] for i in instants), number("SELECT count(*) FROM log WHERE run IS NOT NULL"))
check("an instant for each failure", sum(i[1] == ["failure"] for i in instants), number("SELECT count(*) FROM failure"))
check("records lost", sum(i[3].get("n_records", 0) for i in instants if i[1] == ["loss"]), number("SELECT sum(n_records) FROM loss"))
private = [r[0] for r in db.execute("SELECT value FROM run_meta WHERE key = 'command' UNION SELECT value FROM meta WHERE key = 'host'")
           if isinstance(r[0], str) and len(r[0]) > 3]
check("no command line and no host", [p for p in private if p.encode() in data], [])
print("1..%d" % len(results))
sys.exit(0 if all(results) else 1)
