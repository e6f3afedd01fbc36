// What the public functions say to arguments that they cannot take: nothing is changed, errno included.
#include <climits>

#include "contract_support.h"

namespace interrupt_tests {

namespace {

TEST(BadInput, NoRequest) {
    EXPECT_EQ(interrupt_thread_as(gettid(), nullptr), EINVAL);
    EXPECT_EQ(interrupt_thread_as(-1, nullptr), EINVAL);
    EXPECT_EQ(interrupt_pending(), 0);
}

TEST(BadInput, Outcome) {
    for (const int outcome : {INTERRUPT_DEFAULT - 1, INTERRUPT_EOF + 1, INTERRUPT_SIGNAL + 1, -1,
                              256 + INTERRUPT_DEFAULT, INT_MAX, INT_MIN}) {
        EXPECT_EQ(request_as(gettid(), outcome), EINVAL) << outcome;
        EXPECT_EQ(request_as(gettid(), outcome, EIO), EINVAL) << outcome;
    }
    EXPECT_EQ(interrupt_pending(), 0);
}

TEST(BadInput, ErrorNumber) {
    for (const int error : {0, -1, -EIO, 4096, 65536 + EIO, INT_MAX, INT_MIN}) {
        EXPECT_EQ(request_as(gettid(), INTERRUPT_ERROR, error), EINVAL) << error;
    }
    for (const int outcome : {INTERRUPT_DEFAULT, INTERRUPT_TIMEOUT, INTERRUPT_EOF, INTERRUPT_CANCEL}) {
        EXPECT_EQ(request_as(gettid(), outcome, EIO), EINVAL) << outcome;
    }
    EXPECT_EQ(interrupt_pending(), 0);
    for (const int error : {1, 4095}) {
        EXPECT_EQ(request_as(gettid(), INTERRUPT_ERROR, error), 0) << error;
        EXPECT_EQ(interrupt_check(), error);
    }
}

TEST(BadInput, Thread) {
    const uint32_t records = own_table().records_in_use();
    for (const pid_t tid : {0, -1, -gettid(), 1, getppid(), INT_MAX, INT_MIN}) {
        if (tid == getpid()) {
            continue;  // it is process 1 of its namespace
        }
        errno = 4711;
        EXPECT_EQ(interrupt_thread(tid), ESRCH) << tid;
        EXPECT_EQ(request_as(tid, INTERRUPT_ERROR, EIO), ESRCH) << tid;
        EXPECT_EQ(errno, 4711);
    }
    EXPECT_EQ(own_table().records_in_use(), records);
    EXPECT_EQ(interrupt_pending(), 0);
}

TEST(BadInput, Mask) {
    ASSERT_EQ(interrupt_mask(INTERRUPT_MASK_ALL), INTERRUPT_MASK_NONE);
    for (const int mode : {INTERRUPT_MASK_NONE - 1, INTERRUPT_MASK_ALL + 1, 256, INT_MAX, INT_MIN}) {
        EXPECT_EQ(interrupt_mask(mode), -1) << mode;
    }
    EXPECT_EQ(interrupt_mask(INTERRUPT_MASK_NONE), INTERRUPT_MASK_ALL) << "a refused mode was to change nothing";
}

}  // namespace

}  // namespace interrupt_tests
