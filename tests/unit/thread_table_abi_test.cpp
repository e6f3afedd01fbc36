// The layout that both sides of the thread table share, by number: what is written here can be read by another version.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "control/table_layout.h"

namespace interrupt {
namespace {

#define EXPECT_FIELD(type, field, offset, size)       \
    EXPECT_EQ(offsetof(type, field), size_t{offset}); \
    EXPECT_EQ(sizeof(type::field), size_t{size})

TEST(ThreadTableAbi, Header) {
    EXPECT_EQ(sizeof(TableHeader), 4096u);
    EXPECT_EQ(alignof(TableHeader), 4096u);
    EXPECT_FIELD(TableHeader, magic, 0, 8);
    EXPECT_FIELD(TableHeader, abi_version, 8, 4);
    EXPECT_FIELD(TableHeader, header_size, 12, 4);
    EXPECT_FIELD(TableHeader, record_size, 16, 4);
    EXPECT_FIELD(TableHeader, capacity, 20, 4);
    EXPECT_FIELD(TableHeader, pid, 24, 4);
    EXPECT_FIELD(TableHeader, signal, 28, 4);
    EXPECT_FIELD(TableHeader, created, 32, 8);
    EXPECT_FIELD(TableHeader, flags, 40, 4);
    EXPECT_FIELD(TableHeader, adapter, 44, 4);
    EXPECT_FIELD(TableHeader, delivered, 48, 8);
    EXPECT_FIELD(TableHeader, withdrawn, 56, 8);
    EXPECT_FIELD(TableHeader, locks_broken, 64, 8);
    EXPECT_FIELD(TableHeader, threads_unseen, 72, 8);
    EXPECT_FIELD(TableHeader, windows, 80, 32);
    EXPECT_FIELD(TableHeader, version, 112, 16);
    EXPECT_FIELD(TableHeader, adapter_runtime, 128, 48);
    EXPECT_FIELD(TableHeader, adapter_reason, 176, 128);
    EXPECT_FIELD(TableHeader, pid_namespace, 304, 8);
    EXPECT_FIELD(TableHeader, exceptions, 312, 24 * 128);
    EXPECT_FIELD(ExceptionName, state, 0, 4);
    EXPECT_FIELD(ExceptionName, name, 4, 124);
    EXPECT_FIELD(TableHeader, ignored_setting, 3384, 128);
    EXPECT_FIELD(TableHeader, runtime_lock, 3512, 32);
    EXPECT_FIELD(TableHeader, attention, 3584, 4);
}

TEST(ThreadTableAbi, Record) {
    EXPECT_EQ(sizeof(ThreadRecord), 256u);
    EXPECT_EQ(alignof(ThreadRecord), 128u);
    EXPECT_FIELD(ThreadRecord, tid, 0, 4);
    EXPECT_FIELD(ThreadRecord, generation, 4, 4);
    EXPECT_FIELD(ThreadRecord, state, 8, 8);
    EXPECT_FIELD(ThreadRecord, target, 16, 8);
    EXPECT_FIELD(ThreadRecord, since, 24, 8);
    EXPECT_FIELD(ThreadRecord, request, 32, 8);
    EXPECT_FIELD(ThreadRecord, lock, 40, 8);
    EXPECT_FIELD(ThreadRecord, only_wait, 48, 8);
    EXPECT_FIELD(ThreadRecord, requested_at, 56, 8);
    EXPECT_FIELD(ThreadRecord, delivered, 64, 8);
    EXPECT_FIELD(ThreadRecord, delivered_latency, 72, 8);
    EXPECT_FIELD(ThreadRecord, cleared, 80, 4);
    EXPECT_FIELD(ThreadRecord, coalesced, 84, 4);
    EXPECT_FIELD(ThreadRecord, mask, 88, 4);
    EXPECT_FIELD(ThreadRecord, flags, 92, 4);
    EXPECT_FIELD(ThreadRecord, wakeup_read, 96, 4);
    EXPECT_FIELD(ThreadRecord, wakeup_write, 100, 4);
    EXPECT_FIELD(ThreadRecord, wakeup_inode, 104, 8);
    EXPECT_FIELD(ThreadRecord, name, 112, 64);
    EXPECT_FIELD(ThreadRecord, started_by, 176, 4);
    EXPECT_FIELD(ThreadRecord, ident, 184, 8);
}

TEST(ThreadTableAbi, InjectionRules) {
    EXPECT_EQ(sizeof(InjectionRule), 448u);
    EXPECT_FIELD(InjectionRule, generation, 0, 4);
    EXPECT_FIELD(InjectionRule, met, 8, 8);
    EXPECT_FIELD(InjectionRule, acted, 16, 8);
    EXPECT_FIELD(InjectionRule, injection, 24, 120);
    EXPECT_FIELD(InjectionRule, text, 144, 256);
    EXPECT_FIELD(Injection, calls, 0, 16);
    EXPECT_FIELD(Injection, fd, 16, 4);
    EXPECT_FIELD(Injection, thread, 20, 64);
    EXPECT_FIELD(Injection, first, 84, 4);
    EXPECT_FIELD(Injection, last, 88, 4);
    EXPECT_FIELD(Injection, step, 92, 4);
    EXPECT_FIELD(Injection, signal, 96, 4);
    EXPECT_FIELD(Injection, after, 104, 8);
    EXPECT_FIELD(Injection, error, 112, 2);
    EXPECT_FIELD(Injection, outcome, 114, 1);
    EXPECT_FIELD(Injection, per_thread, 115, 1);
    EXPECT_FIELD(Injection, force, 116, 1);
    EXPECT_EQ(sizeof(interrupt::InjectionRules), 16384u);
    EXPECT_FIELD(InjectionRules, rules, 0, 32 * 448);
    EXPECT_FIELD(InjectionRules, calls, 32 * 448, 16);
    EXPECT_EQ(injection_rules_offset(1), 8192u);
    EXPECT_EQ(injection_rules_offset(16), 8192u);
    EXPECT_EQ(event_ring_offset(17), 12288u + 16384u);
    EXPECT_EQ(table_file_size(17), 12288u + 16384u + sizeof(interrupt::EventRing));
}

TEST(ThreadTableAbi, EventRing) {
    EXPECT_FIELD(Event, time, 0, 8);
    EXPECT_FIELD(Event, duration, 8, 8);
    EXPECT_FIELD(Event, target, 16, 8);
    EXPECT_FIELD(Event, caller, 24, 8);
    EXPECT_FIELD(Event, wait, 32, 8);
    EXPECT_FIELD(Event, tid, 40, 4);
    EXPECT_FIELD(Event, sequence, 44, 4);
    EXPECT_FIELD(Event, call, 48, 2);
    EXPECT_FIELD(Event, error, 50, 2);
    EXPECT_FIELD(Event, kind, 52, 1);
    EXPECT_FIELD(Event, outcome, 53, 1);
    EXPECT_FIELD(Event, window, 54, 1);
    EXPECT_FIELD(EventSlot, sum, 0, 8);
    EXPECT_FIELD(EventSlot, words, 8, 56);
    EXPECT_FIELD(EventRing, head, 0, 8);
    EXPECT_FIELD(EventRing, read, 64, 8);
    EXPECT_FIELD(EventRing, read_at, 72, 8);
    EXPECT_FIELD(EventRing, shortest, 80, 8);
    EXPECT_FIELD(EventRing, shorter, 128, 8);
    EXPECT_FIELD(EventRing, slots, 4096, 16384 * 64);
    EXPECT_EQ(static_cast<int>(EventKind::wait), 1);
    EXPECT_EQ(static_cast<int>(EventKind::request), 2);
    EXPECT_EQ(static_cast<int>(EventKind::delivery), 3);
    EXPECT_EQ(static_cast<int>(EventKind::withdrawal), 4);
    EXPECT_EQ(static_cast<int>(EventKind::rule), 5);
    EXPECT_EQ(static_cast<int>(EventKind::returned), 6);
    EXPECT_EQ(attention_rules, 1u);
    EXPECT_EQ(attention_points, 2u);
    EXPECT_EQ(attention_events, 4u);
}

TEST(ThreadTableAbi, Values) {
    EXPECT_EQ(table_abi_version, 5u);
    EXPECT_EQ(table_heavy_fences, 1u);
    EXPECT_EQ(table_seccomp, 2u);
    EXPECT_EQ(record_unadopted, 1u);
    EXPECT_EQ(record_interrupted_by_signal, 8u);
    EXPECT_EQ(nudge_cookie, 0x696e7472);
    const uint64_t magic = magic_word();
    EXPECT_EQ(std::memcmp(&magic, "intrtbl\n", 8), 0);
    EXPECT_EQ(static_cast<int>(Outcome::none), 0);
    EXPECT_EQ(static_cast<int>(Outcome::default_), 1);
    EXPECT_EQ(static_cast<int>(Outcome::error), 2);
    EXPECT_EQ(static_cast<int>(Outcome::timeout), 3);
    EXPECT_EQ(static_cast<int>(Outcome::eof), 4);
    EXPECT_EQ(static_cast<int>(Outcome::exception), 5);
    EXPECT_EQ(static_cast<int>(Outcome::cancel), 6);
    EXPECT_EQ(static_cast<int>(Mask::none), 0);
    EXPECT_EQ(static_cast<int>(Mask::on_blocking), 1);
    EXPECT_EQ(static_cast<int>(Mask::all), 2);
    EXPECT_EQ(static_cast<int>(Window::before_call), 0);
    EXPECT_EQ(static_cast<int>(Window::at_entry), 1);
    EXPECT_EQ(static_cast<int>(Window::in_kernel), 2);
    EXPECT_EQ(static_cast<int>(Window::way_out), 3);
    EXPECT_EQ(static_cast<int>(Window::count), 4);
    EXPECT_EQ(static_cast<int>(NoTable::disabled), 1);
    EXPECT_EQ(static_cast<int>(NoTable::bad_signal), 3);
    EXPECT_EQ(static_cast<int>(NoTable::file_size_limit), 12);
    EXPECT_EQ(static_cast<int>(NoTable::other), 15);
    EXPECT_EQ(static_cast<int>(NoTable::count), 16);
}

TEST(ThreadTableAbi, EveryCallHasANameOfItsOwn) {
    EXPECT_EQ(static_cast<int>(Call::running), 0);
    EXPECT_STREQ(traits(Call::running).name, "running");
    std::set<std::string> names;
    for (uint16_t call = 0; call < static_cast<uint16_t>(Call::count); ++call) {
        EXPECT_TRUE(names.insert(traits(static_cast<Call>(call)).name).second) << traits(static_cast<Call>(call)).name;
    }
    EXPECT_STREQ(traits(Call::poll_).name, "poll");
    EXPECT_EQ(traits(Call::poll_).kind, Kind::Poll);
    EXPECT_STREQ(traits(Call::sem_wait_).name, "sem_wait");
    EXPECT_STREQ(traits(Call::thread_join).name, "thread_join");
}

TEST(ThreadTableAbi, ProbingBeginsAtTheThreadsId) {
    EXPECT_EQ(first_probe(5, 16), 5u);
    EXPECT_EQ(first_probe(16, 16), 0u);
    EXPECT_EQ(first_probe(4'194'303, 16384), 16383u);
    EXPECT_EQ(first_probe(7, 1), 0u);
}

}  // namespace
}  // namespace interrupt
