# ATTACK: cells that are numbers, lists and objects without what a cell has | says: malformed
def build(notebook):
    return {**notebook, "cells": [1, [], {}, {"source": 5}, {"source": ["x", 3]}, *notebook["cells"]]}
