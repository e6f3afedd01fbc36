// The injection rules in the table of another process.
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "control/failure.h"
#include "control/table_file.h"

namespace interrupt::control {

InjectionRules& TableFile::rules() const {
    return *reinterpret_cast<InjectionRules*>(static_cast<char*>(memory_) + injection_rules_offset(header_.capacity));
}

void TableFile::make_room_for_rules() const {
    const auto offset = static_cast<off_t>(injection_rules_offset(header_.capacity));
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, offset, sizeof(InjectionRules)) != 0 && errno != EOPNOTSUPP) {
        throw Failure(Status::not_permitted, text("there is no room for rules in the thread table of process ",
                                                  process_.pid(), ": ", std::strerror(errno), ". Make room in ",
                                                  printable(mapping_.path.substr(0, mapping_.path.rfind('/'))), "."));
    }
}

bool TableFile::lock() const {
    return ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0;
}

void TableFile::unlock() const {
    ::flock(file_.get(), LOCK_UN);
}

}  // namespace interrupt::control
