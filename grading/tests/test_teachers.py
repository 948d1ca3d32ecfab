"""Teachers: the rule's planned errors, and an API that is busy, empty, broken, or not there at all.

A small HTTP server in this process plays the API: it answers what a test put into its list, in order, and
keeps what it was asked.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labkit.api_teacher import ApiSettings, ApiTeacher, read_env
from labkit.errors import LabError
from labkit.teachers import Request, RuleTeacher

QUESTIONS = [
    {
        "qid": f"q{i}",
        "answer": i % 2 == 0,
        "facts": ["A is 2.", "B is 3."],
        "steps": ["A is 2.", "B is 3.", "2 < 3."],
    }
    for i in range(2000)
]
REQUESTS = [Request(f"q{i}", f"Question {i}?") for i in range(4)]

# ---- the rule ----


def test_the_rules_errors_have_the_published_profile():
    replies = RuleTeacher(QUESTIONS, seed=3).ask([Request(q["qid"], "") for q in QUESTIONS])
    for gold, recall in ((True, 39 / 91), (False, 98 / 109)):
        said = ["**YES**" in text for q, text in zip(QUESTIONS, replies, strict=True) if q["answer"] is gold]
        assert said.count(gold) / len(said) == pytest.approx(recall, abs=0.04)


def test_a_wrong_text_leaves_out_the_step_that_decides_and_the_same_seed_says_the_same():
    asked = [Request(q["qid"], "") for q in QUESTIONS[:50]]
    replies = RuleTeacher(QUESTIONS, seed=3).ask(asked)
    assert replies == RuleTeacher(QUESTIONS, seed=3).ask(asked) != RuleTeacher(QUESTIONS, seed=4).ask(asked)
    for question, text in zip(QUESTIONS, replies, strict=False):
        right = ("**YES**" in text) is question["answer"]
        assert ("3. 2 < 3." in text) is right and text.startswith("## Teaching Analysis\n")
        assert text.splitlines()[-1].startswith("Based on this analysis, the answer is: **")


def test_with_a_hint_it_gives_the_hints_answer_and_quotes_it():
    [text] = RuleTeacher(QUESTIONS).ask([Request("q1", "", hint=True)])
    assert "1. The hint says Yes.\n2. A is 2." in text and text.endswith("**YES**")


def test_attempts_differ_and_an_unknown_question_is_refused():
    teacher = RuleTeacher(QUESTIONS)
    tries = [Request(q["qid"], "", attempt) for q in QUESTIONS[:20] for attempt in range(5)]
    texts = teacher.ask(tries)
    assert any(len(set(texts[i : i + 5])) == 2 for i in range(0, 100, 5))
    with pytest.raises(LabError, match="teacher's table"):
        teacher.ask([Request("nobody", "")])


# ---- an API ----


def reply(text: str) -> tuple[int, object]:
    usage = {"prompt_tokens": 5, "completion_tokens": 7}
    return 200, {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": usage}


def error(status: int, code: str, words: str = "no") -> tuple[int, object]:
    return status, {"error": {"message": words, "type": code, "code": code}}


BUSY, EMPTY = (
    error(429, "rate_limit_exceeded", "slow down"),
    error(429, "insufficient_quota", "you have none"),
)


class Server:
    """`answers`: (status, body as JSON or raw text), one a request; the last one repeats. `asked`: bodies."""

    def __init__(self):
        self.answers, self.asked, self.keys, self.retry_after = [reply("fine")], [], [], None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append(body)
                server.keys.append((self.path, self.headers["Authorization"]))
                status, said = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                sent = said.encode() if isinstance(said, str) else json.dumps(said).encode()
                self.send_response(status)
                if server.retry_after is not None and status == 429:
                    self.send_header("Retry-After", server.retry_after)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()


def teacher(server, tmp_path, budget=None, **settings) -> ApiTeacher:
    usual = {"key": "secret", "base_url": server.url, "model": "tiny", "pause": 0.0, "tries": 3}
    return ApiTeacher(ApiSettings(**{**usual, **settings}), tmp_path / "cache", budget=budget)


def cached(tmp_path) -> int:
    return len(list((tmp_path / "cache").glob("*.json")))


def test_replies_come_in_order_and_are_asked_for_once(server, tmp_path):
    server.answers = [reply(f"text {i}") for i in range(4)]
    asker = teacher(server, tmp_path, max_tokens=9, temperature=0.5)
    assert asker.ask(REQUESTS) == [f"text {i}" for i in range(4)]
    assert asker.ask(REQUESTS[::-1]) == [f"text {i}" for i in (3, 2, 1, 0)]
    assert len(server.asked) == 4 and set(server.keys) == {("/v1/chat/completions", "Bearer secret")}
    sent = {"model": "tiny", "messages": [{"role": "user", "content": "Question 0?"}]}
    assert server.asked[0] == {**sent, "max_tokens": 9, "temperature": 0.5}


def test_another_attempt_prompt_or_setting_is_asked_anew_and_the_same_request_twice_only_once(
    server, tmp_path
):
    teacher(server, tmp_path).ask([REQUESTS[0], REQUESTS[0]])
    assert len(server.asked) == 1
    teacher(server, tmp_path).ask([Request("q0", "Question 0?", attempt=1), Request("q0", "Other?")])
    teacher(server, tmp_path, temperature=0.9).ask(REQUESTS[:1])
    assert len(server.asked) == 4 == cached(tmp_path)


def test_a_busy_server_is_asked_again_after_the_time_it_tells(server, tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("labkit.api_teacher.time.sleep", slept.append)
    server.answers = [BUSY, (503, "<html>"), reply("at last")]
    assert teacher(server, tmp_path, pause=2.0).ask(REQUESTS[:1]) == ["at last"]
    assert slept == [2.0, 4.0]
    server.retry_after, server.answers = "7", [BUSY, reply("now")]
    teacher(server, tmp_path, pause=2.0).ask(REQUESTS[1:2])
    assert slept[2:] == [7.0]


def test_a_server_that_stays_busy_is_a_clear_message_and_nothing_is_lost(server, tmp_path):
    server.answers = [reply("one"), BUSY, BUSY, BUSY, reply("three"), reply("four")]
    with pytest.raises(LabError) as caught:
        teacher(server, tmp_path).ask(REQUESTS)
    assert "1 of 4 failed 3 times; q1: 429: slow down" in str(caught.value)
    assert "asks only for what is missing" in str(caught.value) and cached(tmp_path) == 3
    server.answers = [reply("two")]
    assert teacher(server, tmp_path).ask(REQUESTS) == ["one", "two", "three", "four"]
    assert len(server.asked) == 7


def test_after_three_failures_in_a_row_the_rest_is_left_for_later(server, tmp_path):
    server.answers = [reply("one"), error(503, "overloaded", "try later")]
    with pytest.raises(
        LabError, match=r"3 of 6 failed 2 times, 3 in a row, and 2 were left; q1: 503.* 1 replies came"
    ) as caught:
        teacher(server, tmp_path, tries=2).ask([Request(f"q{i}", f"Question {i}?") for i in range(6)])
    assert "perhaps later" in str(caught.value)
    assert len(server.asked) == 1 + 3 * 2 and cached(tmp_path) == 1


def test_an_empty_account_stops_at_once_and_the_next_run_goes_on(server, tmp_path):
    server.answers = [reply("one"), reply("two"), EMPTY]
    with pytest.raises(LabError) as caught:
        teacher(server, tmp_path).ask(REQUESTS)
    assert "credit" in str(caught.value) and "2 of 4 replies came and are cached" in str(caught.value)
    assert len(server.asked) == 3 and cached(tmp_path) == 2
    server.answers = [reply("three"), reply("four")]
    assert teacher(server, tmp_path).ask(REQUESTS) == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        {"choices": []},
        {"choices": [{"message": {}}]},
        {"choices": [{"message": {"content": " "}}]},
    ],
)
def test_a_malformed_reply_is_asked_for_again_and_never_cached(server, tmp_path, body):
    server.answers = [(200, body), reply("fine")]
    assert teacher(server, tmp_path).ask(REQUESTS[:1]) == ["fine"]
    server.answers = [(200, body)]
    with pytest.raises(LabError, match="malformed|empty reply"):
        teacher(server, tmp_path).ask(REQUESTS[1:2])
    assert cached(tmp_path) == 1


def test_a_refused_key_an_unknown_model_and_no_server_say_what_to_do(server, tmp_path):
    server.answers = [error(401, "invalid_api_key", "wrong key")]
    with pytest.raises(LabError, match="OPENAI_API_KEY") as caught:
        teacher(server, tmp_path).ask(REQUESTS)
    assert len(server.asked) == 1 and "secret" not in str(caught.value)
    server.answers = [error(404, "model_not_found", "no such model")]
    with pytest.raises(LabError, match="GPT4_MODEL"):
        teacher(server, tmp_path).ask(REQUESTS)
    nowhere = "http://127.0.0.1:9/v1"
    with pytest.raises(LabError, match="no connection"):
        teacher(server, tmp_path, base_url=nowhere).ask(REQUESTS[:1])


def test_without_a_key_and_on_a_dry_run_nothing_is_sent(server, tmp_path):
    with pytest.raises(LabError, match="no key"):
        teacher(server, tmp_path, key=None).ask(REQUESTS)
    with pytest.raises(LabError, match=r"DRY_RUN: nothing was sent \(4 calls"):
        teacher(server, tmp_path, dry_run=True).ask(REQUESTS)
    assert server.asked == []
    teacher(server, tmp_path).ask(REQUESTS)
    assert teacher(server, tmp_path, dry_run=True, key=None).ask(REQUESTS) == ["fine"] * 4  # from the cache


def test_the_price_is_told_before_and_a_budget_is_kept(server, tmp_path):
    prices = {"price_input": 1.0, "price_output": 4.0, "max_tokens": 100}
    long = [Request("a", "x" * 392), Request("b", "y" * 392), Request("b", "y" * 392)]
    estimate = teacher(server, tmp_path, **prices).estimate(long)
    assert (estimate.calls, estimate.cached, estimate.input_tokens, estimate.output_tokens) == (
        2,
        1,
        212,
        200,
    )
    assert estimate.dollars == pytest.approx(0.001012) and "at most $0.0010" in str(estimate)
    assert "price unknown" in str(teacher(server, tmp_path).estimate(long))
    with pytest.raises(LabError, match="larger budget"):
        teacher(server, tmp_path, budget=0.001, **prices).ask(long)
    with pytest.raises(LabError, match="TEACHER_PRICE_INPUT"):
        teacher(server, tmp_path, budget=0.001).ask(long)
    assert server.asked == []
    assert teacher(server, tmp_path, budget=0.01, **prices).ask(long) == ["fine"] * 3
    assert teacher(server, tmp_path, **prices).estimate(long).dollars == 0.0


def test_a_budget_is_for_all_lists_together(server, tmp_path):
    prices = {"price_input": 1.0, "price_output": 4.0, "max_tokens": 100}
    asker = teacher(server, tmp_path, budget=0.001, **prices)
    asker.ask([Request("a", "x" * 392)])  # at most $0.0005
    asker.ask([Request("a", "x" * 392)])  # cached
    with pytest.raises(LabError, match=r"after at most \$0.0005 before") as caught:
        asker.ask([Request("b", "y" * 392), Request("c", "z" * 392)])
    assert "larger budget" in str(caught.value) and len(server.asked) == 1


def test_settings_come_from_the_guides_names_and_the_environment_wins(tmp_path, monkeypatch):
    for name in (
        "OPENAI_API_KEY",
        "GPT4_MODEL",
        "GPT4_MAX_TOKENS",
        "GPT4_TEMPERATURE",
        "DRY_RUN",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    env = tmp_path / ".env"
    lines = [
        "# comment",
        "OPENAI_API_KEY='k-1'",
        "export GPT4_MODEL=m",
        "GPT4_MAX_TOKENS=77",
        "DRY_RUN=True",
        "",
    ]
    env.write_text("\n".join(lines), "utf-8")
    settings = ApiSettings.from_env(env)
    assert (settings.key, settings.model, settings.max_tokens, settings.dry_run) == ("k-1", "m", 77, True)
    assert "k-1" not in repr(settings)
    monkeypatch.setenv("GPT4_MODEL", "other")
    assert ApiSettings.from_env(env, dry_run=False).model == "other"
    assert not ApiSettings.from_env(env, dry_run=False).dry_run
    monkeypatch.setenv("DRY_RUN", "perhaps")
    with pytest.raises(LabError, match="True or False"):
        ApiSettings.from_env(env)
    assert read_env(tmp_path / "none") == {} and read_env(None) == {}
