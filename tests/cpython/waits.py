"""Every wait of CPython that can be interrupted. What they are stands in waits_*.py, what is done with each in wait_case.py."""
import waits_files
import waits_locks
import waits_processes
import waits_sockets
from support import main
from wait_case import cases

if __name__ == '__main__':
    main(cases)
