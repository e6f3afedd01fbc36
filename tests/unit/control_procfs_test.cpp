#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "control/process.h"
#include "control/procfs.h"
#include "control/table_file.h"

namespace interrupt::control {
namespace {

TEST(Maps, ALineIsTakenApart) {
    const auto mapping = parse_mapping(
        "7f0000001000-7f0000003000 rw-s 00001000 00:1b 4242                       /dev/shm/interrupt-0/1-2-ab.table");
    ASSERT_TRUE(mapping);
    EXPECT_EQ(mapping->start, 0x7f0000001000u);
    EXPECT_EQ(mapping->end, 0x7f0000003000u);
    EXPECT_EQ(mapping->permissions, "rw-s");
    EXPECT_EQ(mapping->device, makedev(0, 0x1b));
    EXPECT_EQ(mapping->inode, 4242u);
    EXPECT_EQ(mapping->path, "/dev/shm/interrupt-0/1-2-ab.table");
    EXPECT_EQ(mapping->file_name(), "1-2-ab.table");
    EXPECT_FALSE(mapping->deleted);
}

TEST(Maps, OddPathsAreKept) {
    const std::string start = "1000-2000 r--p 00000000 08:01 7      ";
    EXPECT_EQ(parse_mapping(start + "/with  two spaces ")->path, "/with  two spaces ");
    EXPECT_EQ(parse_mapping(start + "/line\\012feed")->path, "/line\nfeed");
    EXPECT_EQ(parse_mapping(start + "/a (deleted)")->path, "/a");
    EXPECT_TRUE(parse_mapping(start + "/a (deleted)")->deleted);
    EXPECT_EQ(parse_mapping("1000-2000 rw-p 00000000 00:00 0 ")->path, "");
    EXPECT_EQ(parse_mapping("1000-2000 rw-p 00000000 00:00 0")->path, "");
    EXPECT_EQ(parse_mapping("1000-2000 rw-p 00000000 00:00 0      [heap]")->file_name(), "[heap]");
}

TEST(Maps, WhatIsNoLineIsLeftOut) {
    for (const char* line :
         {"", "x", "1000", "1000-", "1000-2000", "1000-2000 rw", "2000-1000 rw-p 0 00:00 0", "1000-2000 rw-p 0 0000 0",
          "1000-2000 rw-p 0 00:00 ", "1000-2000 rw-p 0 00:00 x", "zz-2000 rw-p 0 00:00 0", "-1000-2000 rw-p 0 00:00 0",
          "10000000000000000-20000000000000000 rw-p 0 00:00 0"}) {
        EXPECT_FALSE(parse_mapping(line)) << line;
    }
    EXPECT_EQ(parse_maps("nonsense\n1000-2000 rw-p 00000000 00:00 0 \n\n").size(), 1u);
}

TEST(Maps, OfThisProcessAllParse) {
    const Process self(::getpid());
    const auto text = self.read("maps").value();
    EXPECT_EQ(parse_maps(text).size(), static_cast<size_t>(std::count(text.begin(), text.end(), '\n')));
}

std::string stat_line(const std::string& name) {
    return "42 (" + name + ") S 1 42 42 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 3 0 987654 1000 200 18446744073709551615";
}

TEST(Stat, TheNameMayHoldAnything) {
    for (const std::string name : {"cat", "a) b (", ")", "(", "", " ", "x) R 1 2 (3", "two\nlines", ") S 1 1 1 0"}) {
        const auto stat = parse_stat(stat_line(name));
        ASSERT_TRUE(stat) << name;
        EXPECT_EQ(stat->name, name);
        EXPECT_EQ(stat->state, 'S');
        EXPECT_EQ(stat->flags, 4194304u);
        EXPECT_EQ(stat->start_ticks, 987654u);
        EXPECT_FALSE(stat->kernel_thread());
    }
}

TEST(Stat, AKernelThreadIsKnownByItsFlag) {
    const auto stat = parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0");
    ASSERT_TRUE(stat);
    EXPECT_TRUE(stat->kernel_thread());
}

TEST(Stat, WhatIsOnItsWayOutHasEnded) {
    const auto ended = [](const std::string& state, const std::string& flags) {
        return parse_stat("2 (x) " + state + " 0 0 0 0 -1 " + flags + " 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0")->ended();
    };
    EXPECT_FALSE(ended("R", "4194304"));
    EXPECT_TRUE(ended("R", "4194308"));
    EXPECT_TRUE(ended("Z", "4194304"));
}

TEST(Stat, CutAnywhereIsNothingOrTheSame) {
    const std::string whole = stat_line("a) b (");
    const size_t end_of_start_time = whole.find("987654") + 6;
    for (size_t length = 0; length < end_of_start_time - 5; ++length) {
        EXPECT_FALSE(parse_stat(whole.substr(0, length))) << length;
    }
    EXPECT_TRUE(parse_stat(whole.substr(0, end_of_start_time)));
}

TEST(Status, TheNeededFieldsAreFound) {
    const auto status = parse_status(
        "Name:\tTgid:\t9\nTgid:\t42\nUid:\t1000\t1001\t1002\t1003\nNSpid:\t4242\t17\t5\n"
        "SigBlk:\t0000000000000001\nSigCgt:\t0000000000400000\nSeccomp:\t2\nSeccomp_filters:\t1\n");
    ASSERT_TRUE(status);
    EXPECT_EQ(status->process, 42);
    EXPECT_EQ(status->users, (std::array<uid_t, 4>{1000, 1001, 1002, 1003}));
    EXPECT_EQ(status->ids, (std::vector<pid_t>{4242, 17, 5}));
    EXPECT_EQ(status->seccomp, 2);
    EXPECT_EQ(status->caught_signals, 1u << (23 - 1));
    EXPECT_EQ(status->blocked_signals, 1u);
}

TEST(Status, WithoutProcessOrUserIsNothing) {
    EXPECT_FALSE(parse_status(""));
    EXPECT_FALSE(parse_status("Tgid:\t42\n"));
    EXPECT_FALSE(parse_status("Uid:\t0\t0\t0\t0\n"));
    EXPECT_FALSE(parse_status("Tgid:\tx\nUid:\t0\t0\t0\t0\n"));
    EXPECT_FALSE(parse_status("Tgid:\t42\nUid:\t0\t0\n"));
    EXPECT_TRUE(parse_status("Tgid:\t42\nUid:\t0\t0\t0\t0"));
}

TEST(SystemCall, IsNamedByItsNumber) {
    EXPECT_EQ(system_call_name(std::to_string(SYS_futex) + " 0x7f 0x80 0x0 0x0 0x0 0x0 0x7ffe 0x7f"), "futex");
    EXPECT_EQ(system_call_name("running\n"), "");
    EXPECT_EQ(system_call_name(""), "");
    EXPECT_EQ(system_call_name("-1 0x7ffe 0x7f"), "");
    EXPECT_EQ(system_call_name("99999 0x0"), "");
}

TEST(Number, IsTheWholeWord) {
    EXPECT_EQ(parse_number("42"), 42);
    EXPECT_EQ(parse_number("-1"), -1);
    for (const char* word : {"", " 42", "42 ", "4x", "+4", "0x4", "99999999999999999999"}) {
        EXPECT_FALSE(parse_number(word)) << word;
    }
}

TEST(Printable, LeavesNothingForATerminalToObey) {
    EXPECT_EQ(printable("plain"), "plain");
    EXPECT_EQ(printable("a\x1b[2Jb\n\t\x7f"), "a?[2Jb???");
    EXPECT_EQ(printable("\xc2\x9b"
                        "2J"),
              "??2J");
    EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"
                        "e"),
              "gr\xc3\xbc\xc3\x9f"
              "e");
    EXPECT_EQ(printable(std::string_view("\0", 1)), "?");
}

TEST(TableName, IsPidCreatedRandom) {
    const auto name = parse_table_name("42-1234567-00ff.table");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->pid, 42);
    EXPECT_EQ(name->created, 1234567u);
    for (const char* other : {"", ".table", "42-1-ab", "42-1.table", "42-1-.table", "-1-ab.table", "42--ab.table",
                              "0-1-ab.table", "x-1-ab.table", "42-1-AB.table", "42-1-a/b.table", "42-1-ab.table.x",
                              "99999999999-1-ab.table", "42-1-ab-cd.table"}) {
        EXPECT_FALSE(parse_table_name(other)) << other;
    }
}

// The library's mappings as the kernel lists them, then its zero-initialised data with `marked` pages taken away.
std::string library_maps(unsigned marked) {
    std::string maps =
        "10000-12000 r--p 00000000 08:01 7    /usr/lib/libinterrupt.so\n"
        "12000-13000 ---p 00002000 08:01 7    /usr/lib/libinterrupt.so\n"
        "13000-14000 rw-p 00003000 08:01 7    /usr/lib/libinterrupt.so\n";
    char lines[128];
    if (marked > 0) {
        std::snprintf(lines, sizeof lines, "14000-%x r--p 00000000 00:00 0 \n", 0x14000 + marked * 0x1000);
        maps += lines;
    }
    std::snprintf(lines, sizeof lines, "%x-40000 rw-p 00000000 00:00 0 \n", 0x14000 + marked * 0x1000);
    return maps + lines;
}

TEST(FindShim, ReadsTheReasonFromTheMarkedPages) {
    for (unsigned reason = 0; reason < static_cast<unsigned>(NoTable::count); ++reason) {
        const ShimMappings shim = find_shim(parse_maps(library_maps(reason)));
        ASSERT_TRUE(shim.library);
        EXPECT_EQ(static_cast<unsigned>(shim.reason), reason);
        EXPECT_TRUE(no_table_sentence(42, shim, false).ends_with("."));
        // Whoever has a reason of their own keeps it.
        EXPECT_EQ(no_table_sentence(42, shim, true).find("seccomp") != std::string::npos, reason == 0) << reason;
    }
    EXPECT_EQ(find_shim(parse_maps(library_maps(18))).reason, NoTable::unknown);
}

TEST(FindShim, OnlyPagesThatTouchTheLibraryCount) {
    const auto apart = parse_maps(library_maps(0) + "50000-52000 r--p 00000000 00:00 0 \n");
    EXPECT_EQ(find_shim(apart).reason, NoTable::unknown);
    // The kernel's own pages may be the library's neighbours.
    const auto beside = parse_maps(library_maps(0) + "40000-44000 r--p 00000000 00:00 0    [vvar]\n");
    EXPECT_EQ(find_shim(beside).reason, NoTable::unknown);
    const auto none = find_shim(parse_maps("50000-52000 r--p 00000000 00:00 0 \n"));
    EXPECT_FALSE(none.library);
    EXPECT_EQ(none.reason, NoTable::unknown);
}

TEST(FindShim, TakesTheLibraryAndTheTableForWhatTheyAre) {
    EXPECT_FALSE(find_shim(parse_maps("1000-2000 r--p 0 08:01 7 /usr/lib/libinterruptctl.so.1\n")).library);
    EXPECT_TRUE(find_shim(parse_maps("1000-2000 r--p 0 08:01 7 /usr/lib/libinterrupt.so.0.1\n")).library);
    const std::string path = "/dev/shm/interrupt-0/1-2-ab.table\n";
    EXPECT_EQ(find_shim(parse_maps("1000-2000 rw-s 0 00:1b 7 " + path)).tables.size(), 1u);
    EXPECT_EQ(find_shim(parse_maps("1000-2000 r--s 0 00:1b 7 " + path)).tables.size(), 0u);
    EXPECT_EQ(find_shim(parse_maps("1000-2000 rw-p 0 00:1b 7 " + path)).tables.size(), 0u);
}

}  // namespace
}  // namespace interrupt::control
