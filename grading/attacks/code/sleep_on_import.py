# ATTACK: sleeps while its module is imported, in every test anew | state: timeout | costs: method.py | slow
import time

time.sleep(1_000_000)
