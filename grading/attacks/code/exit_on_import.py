# ATTACK: ends the process while the module is imported | state: crashed | costs: method.py
import os

os._exit(0)
