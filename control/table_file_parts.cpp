// What lies behind the records in the table of another process: injection rules, the ring of events.
#include <fcntl.h>
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
    make_room_behind(injection_rules_offset(header_.capacity), sizeof(InjectionRules), "rules");
}

EventRing& TableFile::events() const {
    return *reinterpret_cast<EventRing*>(static_cast<char*>(memory_) + event_ring_offset(header_.capacity));
}

bool TableFile::is_recorded() const {
    return interrupt::is_recorded(live_header());
}

void TableFile::make_room_for_events() const {
    make_room_behind(event_ring_offset(header_.capacity), sizeof(EventRing), "events");
}

void TableFile::make_room_behind(uint64_t offset, size_t size, const char* what) const {
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size)) != 0 &&
        errno != EOPNOTSUPP) {
        throw Failure(Status::not_permitted, text("there is no room for ", what, " in the thread table of process ",
                                                  process_.pid(), ": ", std::strerror(errno), ". Make room in ",
                                                  printable(mapping_.path.substr(0, mapping_.path.rfind('/'))), "."));
    }
}

// The kernel gives it back with the descriptor, however this process ends.
bool TableFile::lock_events() const {
    struct flock place {};
    place.l_type = F_WRLCK;
    place.l_whence = SEEK_SET;
    place.l_start = static_cast<off_t>(event_ring_offset(header_.capacity));
    place.l_len = 1;
    return ::fcntl(file_.get(), F_OFD_SETLK, &place) == 0;
}

bool TableFile::lock() const {
    return ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0;
}

void TableFile::unlock() const {
    ::flock(file_.get(), LOCK_UN);
}

}  // namespace interrupt::control
