// INTERRUPT_INJECT: the rules that each process begins with, a forked one too.
#pragma once

#include "control/injection_table.h"

namespace interrupt {

// Once, in the constructor. What cannot be obeyed is left alone as a whole, and said in settings.ignored.
void read_injection_rules();

bool has_injection_rules();

// Puts them in the table that is being made; its memory has been provided.
void put_injection_rules(TableHeader& header, InjectionRules& rules);

}  // namespace interrupt
