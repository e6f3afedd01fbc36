// Every kind of wait that an interposer can name; waits_common.h says what a Wait is.
#pragma once

#include "shim/waits_between.h"
#include "shim/waits_devices.h"
#include "shim/waits_messages.h"
#include "shim/waits_other.h"
#include "shim/waits_queues.h"
#include "shim/waits_readiness.h"
#include "shim/waits_sleeps.h"
#include "shim/waits_threads.h"
#include "shim/waits_transfers.h"
