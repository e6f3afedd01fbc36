// A system call that blocks because a seccomp filter of this one thread has the kernel ask somebody first
// (seccomp_unotify(2)): the way to a wait in calls that no device of a test machine lets wait. The filter is installed
// by raw system calls, so that the shim, which leaves a process under a filter alone, goes on.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>

#include "tests/interposers/raw_calls.h"

namespace interrupt_tests {

class HeldCall {
public:
    HeldCall() = default;
    ~HeldCall() {
        if (asker_ >= 0) {
            raw_close(asker_);
        }
    }
    HeldCall(const HeldCall&) = delete;
    HeldCall& operator=(const HeldCall&) = delete;

    // Calls with that number whose argument `index` has that value.
    struct Which {
        long number;
        int index;
        uint32_t value;
    };

    // Of the calling thread, for the rest of its life. Once: the kernel wants one to be asked alone.
    void hold(std::initializer_list<Which> calls) {
        constexpr size_t length = 5;
        struct sock_filter program[most * length + 1];
        size_t end = 0;
        for (const Which& call : calls) {
            const size_t argument =
                offsetof(struct seccomp_data, args) + sizeof(uint64_t) * static_cast<size_t>(call.index);
            const struct sock_filter one[length] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call.number), 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(argument)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.value, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
            };
            require(end + length < std::size(program));
            end = static_cast<size_t>(std::copy(std::begin(one), std::end(one), program + end) - program);
        }
        program[end] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const struct sock_fprog filter = {static_cast<unsigned short>(end + 1), program};
        require(raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1) == 0);
        asker_ = raw_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                          reinterpret_cast<long>(&filter));
        require(asker_ >= 0);
    }

    // From another thread: lets the call that is held go on. Those that a signal has ended are passed over.
    void let_go() {
        for (;;) {
            struct seccomp_notif asked = {};
            const long received = raw_call(SYS_ioctl, asker_, SECCOMP_IOCTL_NOTIF_RECV, reinterpret_cast<long>(&asked));
            if (received == -ENOENT || received == -EINTR) {
                continue;
            }
            require(received == 0);
            struct seccomp_notif_resp answer = {};
            answer.id = asked.id;
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            const long sent = raw_call(SYS_ioctl, asker_, SECCOMP_IOCTL_NOTIF_SEND, reinterpret_cast<long>(&answer));
            if (sent == 0) {
                return;
            }
            require(sent == -ENOENT);
        }
    }

private:
    static constexpr size_t most = 3;
    static void require(bool holds) {
        if (!holds) {
            std::fputs("a system call cannot be held: the kernel refuses seccomp's user notifications\n", stderr);
            std::abort();
        }
    }
    long asker_ = -1;
};

}  // namespace interrupt_tests
