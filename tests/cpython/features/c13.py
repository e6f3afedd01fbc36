"""A function that was taken out of its module before anything of ours was imported."""
from time import sleep

from feature import *

check_all_interrupted([Waiting('sleep', lambda: sleep(END))])
