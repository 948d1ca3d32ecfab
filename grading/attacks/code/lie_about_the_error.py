# ATTACK: an exception with a forged type, module, text and traceback | state: error
class AssertionPassed(Exception):
    __module__ = "builtins"
    __qualname__ = "Passed" * 1000

    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


AssertionPassed.__name__ = "\x1b[2J<script>" * 50


def best_of_n(answers, rewards):
    raise AssertionPassed("PASSED 100/100")
