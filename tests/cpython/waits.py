"""Every wait of CPython that can be interrupted. What they are stands in waits_*.py, what is done with each in wait_case.py."""
import waits_built_on
import waits_files
import waits_libraries
import waits_locks
import waits_processes
import waits_sockets
import waits_terminal
import waits_transfers
from support import main
from wait_case import cases

if __name__ == '__main__':
    main(cases)
